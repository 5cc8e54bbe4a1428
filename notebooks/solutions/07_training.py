"""Solutions to the exercises of 07_training.ipynb, in place of `answer = ...`."""
# ruff: noqa: F821 (the names are the notebook's)


# Exercise 1: a new generator in every step, from the seed and the step alone
def batch(step: int, count: int, size: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, step]).choice(count, size, replace=False)


answer = batch

# Exercise 2: binomial, a trial a step; all less those never seen, less those seen once
n, p = 16_000 / 16, 16 / 16_000
answer = 1 - (1 - p) ** n - n * p * (1 - p) ** (n - 1)

# Exercise 3: epochs 1 to 8, 9 to 16, and from 17 on
answer = [5e-4, 5e-4, 5e-5, 5e-5, 5e-5, 5e-6]

# Exercise 4: what is trained now, less mixed_4f
answer = sum(p.numel() for p in model.training_parameters()) - sum(
    p.numel() for p in model.backbone.mixed_4f.parameters()
)

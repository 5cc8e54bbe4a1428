"""Solutions to the exercises of 04_language_guided_vision_attention.ipynb: each block takes the place of `answer = ...` in its cell."""
# ruff: noqa: F821 (the names are the notebook's)

# Exercise 1: g1² - g2² must be log 2; and g1² + g2², of pixel 1 with itself, is never less than g1²
answer = (np.log(2) ** 0.5, 0.0)


# Exercise 2: squared, the gate can be given to one side alone
def gated_scores(query: torch.Tensor, key: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return (query * gate**2) @ key.T / query.shape[1] ** 0.5  # (P, P)


answer = gated_scores

# Exercise 3: the part that an ablation takes
answer = copy.deepcopy(model)
answer.attention.vision = acga.model.attention.VisionIdentity()

# Exercise 4: 4 bytes x 4 clips x 1024² weights, and four times the pixels are sixteen times the pairs
answer = (4 * 4 * 1024**2 / 2**20, 4 * 4 * 4096**2 / 2**20)

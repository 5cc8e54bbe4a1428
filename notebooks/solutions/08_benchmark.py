"""Solutions to the exercises of 08_benchmark.ipynb, in place of `answer = ...`."""
# ruff: noqa: F821 (the names are the notebook's)

# Exercise 1: two of the four at exactly one half count, and oIoU adds pixels first
answer = (
    3 / 4,
    (4 / 8 + 9 / 10 + 0 / 30 + 50 / 100) / 4,
    (4 + 9 + 0 + 50) / (8 + 10 + 30 + 100),
)

# Exercise 2: one huge actor answered perfectly, two tiny ones missed
huge, here, there = (np.zeros((20, 20), bool) for _ in range(3))
huge[:], here[0, 0], there[19, 19] = True, True, True
answer = [(huge, huge), (here, there), (there, here)]

# Exercise 3: the surer, the worse
answer = [1, 2, 3, 4, 5]

# Exercise 4: the same box for everyone
found = []
for target in targets:
    box, (h, w) = np.zeros_like(target), target.shape
    box[h // 4 : h - h // 4, w // 4 : w - w // 4] = True
    found.append(overlap(box, target))
answer = np.mean(found)

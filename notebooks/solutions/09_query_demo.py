"""Solutions to the exercises of 09_query_demo.ipynb: each block takes the place of `answer = ...` in its cell."""
# ruff: noqa: F821 (the names are the notebook's)


# Exercise 1: the maximum is that of the probabilities, not of the logits
def rule(logits: np.ndarray, share: float) -> np.ndarray:
    found = 1 / (1 + np.exp(-logits))  # (S, S)
    return found > share * found.max()


answer = rule

# Exercise 2: A and B share 2 of 6 pixels, A and C 4 of 6, B and C 4 of 6
answer = (2 / 6 + 4 / 6 + 4 / 6) / 3

# Exercise 3: 27,648 pixels, and 31,104,000
answer = [144 * 192 // 8, 144 * 192, 240 * 480 * 270 // 8]

# Exercise 4: slow enough, few frames are long
answer = Path(folder.name) / "slow.mp4"
with acga.video.VideoWriter(answer, 1, (32, 32)) as slow:
    for _ in range(20):
        slow.write(np.zeros((32, 32, 3), np.uint8))

"""Solutions to the exercises of 03_vision_guided_language_attention.ipynb: each block takes the place of `answer = ...` in its cell."""
# ruff: noqa: F821 (the names are the notebook's)

# Exercise 1: 1024 pixels, 20 positions, 300 channels of language
answer = [(32 * 32, 300), (32 * 32, 20), (32 * 32, 300)]


# Exercise 2: the softmax of huge scores is one for the largest and zero for all others
def hardest(queries: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    return words[(queries @ words.T).argmax(dim=1)]  # (P, D)


answer = hardest


# Exercise 3: before the softmax, not after it, or the rows would have to be scaled again
def masked(scores: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
    return scores.masked_fill(padding, -torch.inf).softmax(dim=1)  # (P, L)


answer = masked

# Exercise 4: a projection of zeros makes all scores zero, so each position gets a twentieth
answer = copy.deepcopy(model)
for parameter in answer.attention.language.projection.parameters():
    parameter.zero_()

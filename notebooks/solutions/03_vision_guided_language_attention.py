"""Solutions to the exercises of 03_vision_guided_language_attention.ipynb.

Each block takes the place of `answer = ...` in its cell.
"""
# ruff: noqa: F821 (the names are the notebook's)


# Exercise 1: four lines, as in the equations
class PixelsReadWords(torch.nn.Module):
    def __init__(self, vision: int, language: int) -> None:
        super().__init__()
        self.projection = torch.nn.Linear(vision, language)

    def forward(self, vision: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        queries = self.projection(vision.flatten(2).mT)  # (B, P, D)
        scores = queries @ text.mT / text.shape[2] ** 0.5  # (B, P, L)
        mixtures = scores.softmax(dim=2) @ text  # (B, P, D)
        return mixtures.mT.unflatten(2, vision.shape[2:])  # (B, D, h, w)


answer = PixelsReadWords(216, 96)


# Exercise 2: the softmax of huge scores is one for the largest, zero for the others
def hardest(queries: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    return words[(queries @ words.T).argmax(dim=1)]  # (P, D)


answer = hardest


# Exercise 3: before the softmax; after it, rows would have to be scaled again
def masked(scores: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
    return scores.masked_fill(padding, -torch.inf).softmax(dim=1)  # (P, L)


answer = masked

# Exercise 4: a projection of zeros makes all scores zero, all weights a twentieth
answer = acga.load("thin_residual").requires_grad_(False)
for parameter in answer.attention.language.projection.parameters():
    parameter.zero_()

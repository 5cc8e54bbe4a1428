"""Solutions to the exercises of 04_language_guided_vision_attention.ipynb.

Each block takes the place of `answer = ...` in its cell.
"""
# ruff: noqa: F821 (the names are the notebook's)


# Exercise 1: the gate multiplies two of three
class PixelsLookAtPixels(torch.nn.Module):
    def __init__(self, vision: int, language: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            torch.nn.Linear(vision, vision) for _ in range(3)
        )
        self.gate = torch.nn.Linear(language, vision)

    def forward(self, vision: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        pixels = vision.flatten(2).mT  # (B, P, C)
        gate = self.gate(text.amax(dim=1))[:, None]  # (B, 1, C)
        scores = (self.query(pixels) * gate) @ (self.key(pixels) * gate).mT  # (B, P, P)
        mixed = (scores / pixels.shape[2] ** 0.5).softmax(dim=2) @ self.value(
            pixels
        )  # (B, P, C)
        return mixed.mT.unflatten(2, vision.shape[2:]) + vision  # (B, C, h, w)


answer = PixelsLookAtPixels(216, 96)

# Exercise 2: g1² - g2² must be log 2. With itself pixel 1 scores g1² + g2²,
# which is never less than g1²
answer = (np.log(2) ** 0.5, 0.0)


# Exercise 3: squared, the gate can be given to one side alone
def gated_scores(
    query: torch.Tensor, key: torch.Tensor, gate: torch.Tensor
) -> torch.Tensor:
    return (query * gate**2) @ key.T / query.shape[1] ** 0.5  # (P, P)


answer = gated_scores

# Exercise 4: the part that an ablation takes
answer = copy.deepcopy(model)
answer.attention.vision = acga.model.attention.VisionIdentity()

# Exercise 5: 4 bytes x 4 clips x 1024² weights; 4 times the pixels, 16 times the pairs
answer = (4 * 4 * 1024**2 / 2**20, 4 * 4 * 4096**2 / 2**20)

"""Solutions to the exercises of 02_encoders.ipynb.

Each block takes the place of `answer = ...` in its cell.
"""
# ruff: noqa: F821 (the names are the notebook's)

# Exercise 1: 208 channels x 4, 16 frames / 4, 512 pixels / 16
answer = (4 * 208, 16 // 4, 512 // 16, 512 // 16)


# Exercise 2: no length is less than a tiny number, and zero over that is zero
def unit_length(maps: torch.Tensor) -> torch.Tensor:
    length = maps.square().sum(dim=1, keepdim=True).sqrt()  # (B, 1, h, w)
    return maps / length.clamp(min=1e-12)


answer = unit_length

# Exercise 3: four cells, each half a unit wide
answer = [-1 + (cell + 0.5) / 4 * 2 for cell in range(4)]


# Exercise 4: a convolution wants channels first
class ReadsNeighbours(torch.nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv1d(width, width, kernel_size=3, padding=1)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.convolution(words.mT)).mT  # (B, L, D)


answer = ReadsNeighbours(96)

# Exercise 5: 3 and 4 themselves, and one position to both sides
answer = [2, 3, 4, 5]

# Exercise 6: two sides of the map and time, each halved
answer = 2 * 2 * 2

"""The training loop of the notebooks' small tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from ..training.schedule import batch_at, cosine_with_warm_up


def minimise(
    parameters: Iterable[nn.Parameter],
    loss_of: Callable[[np.ndarray], Tensor],
    samples: int,
    *,
    steps: int,
    learning_rate: float,
    batch_size: int,
    seed: int = 0,
) -> list[float]:
    """Minimise a loss by Adam, the rate falling along a cosine; gives the loss of every step.

    `loss_of` takes the rows of a batch, int64 `(B,)` below `samples`; the seed decides their order.

    >>> weight = nn.Parameter(torch.zeros(()))
    >>> losses = minimise([weight], lambda rows: (weight - 1) ** 2, samples=4, steps=50, learning_rate=0.1, batch_size=2)
    >>> losses[0], losses[-1] < 0.1
    (1.0, True)
    """
    optimiser = torch.optim.Adam(parameters, lr=learning_rate)
    losses = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * cosine_with_warm_up(step, steps)
        loss = loss_of(batch_at(step, samples, batch_size, seed=seed))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses

"""BatchNorm over the batches of all processes: training in several processes gives the weights that one gives with the whole batch."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce


class GatheredBatchNorm(nn.BatchNorm3d):
    """As BatchNorm3d, but in training its statistics are of the batches of all processes, which must be of the same size.

    PyTorch's SyncBatchNorm does the same on GPUs only.

    >>> x = torch.rand(2, 3, 4, 5, 5)
    >>> bool(torch.allclose(GatheredBatchNorm(3)(x), nn.BatchNorm3d(3)(x), atol=1e-5))
    True
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to the same shape."""
        self._check_input_dim(x)
        if not self.training:
            return super().forward(x)
        axes, count = (0, 2, 3, 4), x.numel() // x.shape[1] * (distributed.get_world_size() if distributed.is_initialized() else 1)
        mean = _total(x.float().sum(axes)) / count  # (C,)
        centred = x.float() - mean[:, None, None, None]
        variance = _total(centred.square().sum(axes)) / count  # (C,)
        with torch.no_grad():
            assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
            self.num_batches_tracked += 1
            share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(variance * count / (count - 1), share)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None, None] + self.bias[:, None, None, None]).to(x.dtype)


def _total(values: Tensor) -> Tensor:
    """The sum of what all processes have; the gradient is summed likewise."""
    return all_reduce(values) if distributed.is_initialized() else values


def gather_statistics(module: nn.Module) -> None:
    """Replace every BatchNorm3d inside a module by one over the batches of all processes, with the same parameters and buffers."""
    for parent in list(module.modules()):
        for name, norm in list(parent.named_children()):
            if type(norm) is nn.BatchNorm3d:
                gathered = GatheredBatchNorm(norm.num_features, norm.eps, norm.momentum)
                gathered.weight, gathered.bias = norm.weight, norm.bias
                for kind, buffer in norm.named_buffers():
                    setattr(gathered, kind, buffer)
                setattr(parent, name, gathered.train(norm.training))

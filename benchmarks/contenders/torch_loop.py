"""A plain batched loop in torch, as an expert would write it without any tool."""

# mypy: disable-error-code="import-not-found, import-untyped"

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.network import to_torch, torch_part
from benchmarks.task import Task
from pipeline.core.schedules import step_sizes


def contenders(task: Task) -> list[Contender]:
    """x <- standardize(x + e * g / rms(g)), the step sizes e the engine's own; all maps at once, and 32 at a time."""
    import torch

    oip = task.config.oip
    sizes = step_sizes(oip.step_size, oip.steps, oip.step_size_schedule.value)
    # tried once: channels last and small batches are the faster choices on a CPU
    net = torch_part(task, linear=True).to(memory_format=torch.channels_last)

    def ascend(maps: list[int]) -> np.ndarray:
        x = to_torch(task.starts[maps]).contiguous(memory_format=torch.channels_last)
        rows = torch.arange(len(maps))
        for size in sizes.tolist():
            x.requires_grad_(True)
            objective = net(x).mean((2, 3))[rows, maps].sum()
            (gradient,) = torch.autograd.grad(objective, x)
            with torch.no_grad():
                rms = gradient.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-7
                x = x + size * gradient / rms
                std, mean = torch.std_mean(x, (1, 2, 3), correction=0, keepdim=True)
                x = (x - mean) / std
        return x.numpy().transpose(0, 2, 3, 1)

    def run(batch: int) -> np.ndarray:
        every = list(range(task.maps))
        return np.concatenate([ascend(every[first : first + batch]) for first in range(0, task.maps, batch)])

    def contender(name: str, title: str, batch: int) -> Contender:
        return Contender(
            name=name,
            title=title,
            steps=len(sizes),
            objective="before relu",
            starts="given",
            maps=list(range(task.maps)),
            run=lambda: run(batch),
        )

    return [
        contender("torch", "plain torch loop, one batch", task.maps),
        contender("torch-32", "plain torch loop, batches of 32", 32),
    ]

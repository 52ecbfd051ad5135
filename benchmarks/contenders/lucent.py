"""Lucent: `render_vis` with its default number of steps and its default optimizer, on pixels."""

# mypy: disable-error-code="import-not-found, import-untyped"

import copy
import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.network import to_torch, torch_part
from benchmarks.task import Task


def contenders(task: Task) -> list[Contender]:
    """One map at a time with its own objective, and all maps as one batch with an objective written for it."""
    _import_torchvision()
    import torch
    from lucent.optvis import objectives
    from lucent.optvis.render import render_vis

    # the faster layout of the two on a CPU; tried once
    net = torch_part(task).to(memory_format=torch.channels_last)
    last = [name for name, _ in net.named_children()][-1]
    steps = max(inspect.signature(render_vis).parameters["thresholds"].default)
    size = task.starts.shape[1]

    def run(maps: list[int], objective: Any) -> np.ndarray:
        def pixels() -> tuple[list[Any], Callable[[], Any]]:
            # otherwise it would ascend colours in Fourier space; as there, the image is made fit for the network
            x = to_torch(task.starts[maps]).requires_grad_(True)
            return [x], lambda: _standardize(x)

        images = render_vis(
            # it leaves its hooks in the network: each call gets a network of its own
            copy.deepcopy(net),
            objective,
            pixels,
            transforms=[],
            preprocess=False,
            fixed_image_size=size,
            progress=False,
            show_image=False,
        )
        return images[-1]

    def _standardize(x: Any) -> Any:
        std, mean = torch.std_mean(x, (1, 2, 3), correction=0, keepdim=True)
        return (x - mean) / std

    every = torch.arange(task.maps)

    def own_map(features: Callable[[str], Any]) -> Any:
        """The sum of 128 of its objectives, which would cut the batch apart image by image, in one expression."""
        return -features(last).mean((2, 3))[every, every].sum()

    few = task.few()
    common = {"steps": steps, "objective": task.objective, "starts": "given"}
    return [
        Contender(
            name="lucent",
            title="Lucent, one by one",
            maps=few,
            run=lambda: np.concatenate([run([m], objectives.channel(last, m)) for m in few]),
            **common,
        ),
        Contender(
            name="lucent-batch",
            title="Lucent, one batch",
            maps=list(range(task.maps)),
            run=lambda: run(list(range(task.maps)), own_map),
            **common,
        ),
    ]


def _import_torchvision() -> None:
    """Lucent imports torchvision and uses none of its compiled operators.

    Beside the CPU build of torch the usual torchvision cannot load them, and its import fails at the two operators
    whose names it expects. They are declared, so that the rest can be imported.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _declared.append(torch.library.Library("torchvision", "FRAGMENT"))
        for operator in ("nms", "qnms"):
            _declared[-1].define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


# what is declared is forgotten when the library object goes
_declared: list[Any] = []

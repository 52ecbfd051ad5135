"""Xplique: `optimize` of feature visualization with its default number of steps, optimizer and Fourier images."""

# mypy: disable-error-code="import-not-found, import-untyped"

import inspect

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.network import peers_part
from benchmarks.task import Task


def contenders(task: Task) -> list[Contender]:
    """One objective per call, and all maps as the combinations of one objective. It takes no start image."""
    from xplique.features_visualizations import Objective, optimize

    part = peers_part(task)
    steps = inspect.signature(optimize).parameters["nb_steps"].default

    def run(maps: list[int]) -> np.ndarray:
        objective = Objective.channel(part, part.layers[-1].name, maps)
        # its transformations shift, blur, scale and flip for the sake of photos' looks; none of the others does
        images, _ = optimize(objective, custom_shape=None, transformations=None, values_range=task.value_range)
        return images[-1].numpy()

    few = task.few()
    common = {"steps": steps, "objective": task.objective, "starts": "own"}
    return [
        Contender(
            name="xplique",
            title="Xplique, one by one",
            maps=few,
            run=lambda: np.concatenate([run([map_index]) for map_index in few]),
            **common,
        ),
        Contender(
            name="xplique-batch",
            title="Xplique, one batch",
            maps=list(range(task.maps)),
            run=lambda: run(list(range(task.maps))),
            **common,
        ),
    ]

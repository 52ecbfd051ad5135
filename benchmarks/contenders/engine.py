"""This project's engine, as a stage calls it."""

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.task import SEED, Task
from pipeline import compose, sweep_oips
from pipeline.settings.choices import Objective
from pipeline.settings.config import Config

DEFAULT = "engine"


def contenders(task: Task) -> list[Contender]:
    """The default settings and the article's; the result also holds snapshots, objectives and verdicts."""
    return [
        _contender(DEFAULT, "this engine, default", task, task.config),
        _contender("engine-article", "this engine, `oip=article`", task, compose("oip=article")),
    ]


def _contender(name: str, title: str, task: Task, config: Config) -> Contender:
    def run() -> np.ndarray:
        return sweep_oips(config.oip, config.noise, task.model, seed=SEED).images

    before = config.oip.objective is Objective.pre_activation
    return Contender(
        name=name,
        title=title,
        steps=config.oip.steps,
        objective="before relu" if before else "after relu",
        starts="given",
        maps=list(range(task.maps)),
        run=run,
    )

"""The objective of every map over the steps."""

from typing import Any

import numpy as np
from matplotlib.collections import LineCollection

from pipeline.drawing.curves import COLORS, legend_above, literal, new_figure, to_picture
from pipeline.settings.choices import Objective, Strategy
from pipeline.stages.oip.pictures.words import Words
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig


def objective_curves(config: OipConfig, words: Words, result: OipSweepResult) -> np.ndarray:
    """Draw a curve for each map, named where they are few; lines where the next stage begins."""
    with new_figure(1, width=9, height=5) as (figure, (axes,)):
        if len(result.names) <= len(COLORS):
            for name, color, values in zip(result.names.tolist(), COLORS, result.objective.T, strict=False):
                # a line needs two points
                axes.plot(values, color=color, label=words.label(name), marker="o" if len(values) == 1 else None)
        else:
            _draw_spread(axes, words, result.objective)
        for first in stage_borders(config):
            axes.axvline(first - 0.5, color="#9a9aa0", linewidth=0.8, linestyle=":")
        before = "\nbefore the activation function" if config.objective is Objective.pre_activation else ""
        stages = ", dotted: shorter waves are added" if stage_borders(config) else ""
        axes.set(xlabel=f"step{stages}", ylabel=f"{literal(words.measured)}{before}")
        axes.margins(x=0.01)
        legend_above(axes, columns=4)
        return to_picture(figure)


def stage_borders(config: OipConfig) -> list[int]:
    """Return the first step of every stage but the first; stages are what coarse_to_fine has."""
    if config.strategy is not Strategy.coarse_to_fine:
        return []
    return [int(first) for first in np.cumsum(config.stage_steps)[:-1]]


def _draw_spread(axes: Any, words: Words, objective: np.ndarray) -> None:
    """Draw curves too many to name: each faintly, their median and the band that holds 80 percent of them."""
    steps = np.arange(len(objective))
    # one collection: a line for each map takes several times as long
    every = [np.column_stack([steps, values]) for values in objective.T]
    axes.add_collection(LineCollection(every, color=COLORS[0], linewidth=0.6, alpha=0.25))
    axes.plot([], [], color=COLORS[0], linewidth=0.6, label=f"each {words.part}")
    low, median, high = np.percentile(objective, (10, 50, 90), axis=1)
    band = f"10 to 90 percent of the {words.parts}"
    axes.fill_between(steps, low, high, color=COLORS[1], alpha=0.25, linewidth=0, label=band)
    axes.plot(steps, median, color=COLORS[1], linewidth=2, label=f"median of the {words.parts}")

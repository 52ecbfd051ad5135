"""Means with error bars, over the values that they are made of."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.drawing.curves import COLORS, literal, new_figure, to_picture
from pipeline.drawing.sheets import clipped

# Of a combination's name, in pixels; of panels in the picture, of combinations, at most.
LONGEST_NAME, MOST_PANELS, MOST_ROWS = 300, 4, 60


def spreads_picture(names: Sequence[str], panels: Mapping[str, Sequence[Sequence[float]]]) -> np.ndarray:
    """Draw a panel for each figure: a row for each name, with its values, their mean and their standard deviation.

    Args:
        names: of the rows, top down.
        panels: the name of a figure -> of each row its values; without a value the row is empty.
    """
    shown = dict(list(panels.items())[:MOST_PANELS])
    rows = min(len(names), MOST_ROWS)
    with new_figure(len(shown), width=2.5 + 4 * len(shown), height=1.3 + 0.34 * rows) as (figure, all_axes):
        for number, (axes, (title, values)) in enumerate(zip(all_axes, shown.items(), strict=True)):
            for row, some in enumerate(values[:rows]):
                axes.plot(some, [row] * len(some), "o", color=COLORS[4], alpha=0.45, markersize=4)
                if len(some):
                    spread = float(np.std(some, ddof=1)) if len(some) > 1 else math.nan
                    axes.errorbar(np.mean(some), row, xerr=spread, fmt="D", color=COLORS[0], capsize=4, markersize=5)
            axes.set_title(literal(title), loc="left", fontsize=11)
            axes.set_ylim(rows - 0.4, -0.6)
            labels = [literal(clipped(name, LONGEST_NAME)) for name in names[:rows]] if number == 0 else [""] * rows
            axes.set_yticks(range(rows), labels)
            axes.locator_params(axis="x", integer=False, nbins=5)
        return to_picture(figure)

"""Curves by matplotlib, without pyplot and its global state, in a style that no file or program of the user's sets."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from pipeline.drawing.sheets import in_one_line

COLORS = ("#2f5d8a", "#d9822b", "#3c8d5a", "#a23b72", "#6b6b6b", "#7d5ba6", "#b5493c", "#3a9ca6")
DPI = 110

# The style is that of the process.
_DRAWING = threading.RLock()


@contextlib.contextmanager
def new_figure(panels: int, *, width: float, height: float) -> Iterator[tuple[Figure, list[Any]]]:
    """Give a figure of width x height inches with panels side by side, and its axes; to be drawn within the block."""
    with _DRAWING, mpl.rc_context():
        mpl.rcdefaults()
        yield _figure(panels, width, height)


def _figure(panels: int, width: float, height: float) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    all_axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for axes in all_axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e4e4e8", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    return figure, all_axes


def legend_above(axes: Any, *, columns: int) -> None:
    """Draw the legend above the axes, where no curve can run through it."""
    legend = axes.legend(
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        ncols=columns,
        handlelength=1.4,
        columnspacing=1.2,
    )
    for line in legend.get_lines():
        line.set(alpha=1, linewidth=2)


def logarithmic(axes: Any) -> None:
    """Make the y axis logarithmic, with plain numbers for ticks (1, 2 and 5 of every power of ten).

    It stays as it is where nothing that was drawn is above 0, such as the loss of a CNN with one class.
    """
    if not axes.dataLim.y1 > 0:
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def literal(text: str) -> str:
    """Return a text of the user's as matplotlib shows it as it stands: in it $ would begin a formula."""
    return in_one_line(text).replace("$", r"\$")


def to_picture(figure: Figure) -> np.ndarray:
    """Draw the figure, within the block of `new_figure`, and return it: (height, width, 3) uint8."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()

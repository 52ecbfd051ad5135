"""A curve as lines of an SVG picture."""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.stages.atlas.page.numbers import MINUS, plain

# In units of the picture, which is at least 288 pixels wide on any screen; there its text has 9 pixels.
WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 12, 38
# more points than there are pixels would only make the file larger
POINTS = 160
TICKS = 4


@dataclass(frozen=True)
class Tick:
    """A tick of an axis. at: where on the axis; text: the value there."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A curve.

    path: of the line, in SVG's language; the ticks of both axes; marks: where along x something is marked.
    """

    path: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[float, ...]
    begin: str
    end: str
    steps: int


def curve(values: np.ndarray, marked: np.ndarray) -> Curve | None:
    """Draw the values (steps,) over their number; None where there are fewer than two.

    What is not a number is left out.

    Args:
        marked: numbers of steps that are marked.
    """
    steps = np.flatnonzero(np.isfinite(values))
    if len(steps) < 2:
        return None
    stride = math.ceil(len(steps) / POINTS)
    shown = np.unique(np.append(steps[::stride], steps[-1]))
    low, high = float(values[steps].min()), float(values[steps].max())
    y_ticks = _round_values(low, high)
    low, high = min(low, y_ticks[0]), max(high, y_ticks[-1])
    last = len(values) - 1

    def x(step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * step / last, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - low) / (high - low), 1)

    line = " ".join(f"{x(step):g},{y(float(values[step])):g}" for step in shown)
    whole = sorted({round(tick) for tick in _round_values(0, last) if tick <= last})
    return Curve(
        path=f"M{line}",
        x_ticks=tuple(Tick(x(step), str(step)) for step in whole),
        y_ticks=tuple(Tick(y(value), f"{value:.4g}".replace("-", MINUS)) for value in y_ticks),
        marks=tuple(x(min(step, last)) for step in marked.tolist()),
        begin=plain(float(values[steps[0]])),
        end=plain(float(values[steps[-1]])),
        steps=len(values),
    )


def _round_values(low: float, high: float) -> list[float]:
    """Return about `TICKS` multiples of 1, 2 or 5 times a power of ten, from at most `low` to at most `high`."""
    span = high - low if high > low else max(abs(high), 1.0)
    rough = span / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step), math.floor((low + span) / step)
    return [number * step for number in range(first, last + 1)]

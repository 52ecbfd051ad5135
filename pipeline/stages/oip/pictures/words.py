"""The words for what the pictures of a sweep show."""

from dataclasses import dataclass

import numpy as np

from pipeline.drawing.sheets import FAINT_INK, INK, WARNING, Caption, Mark
from pipeline.stages.oip.result import BELOW, CONVERGED, NEVER, REACHED, RISING, UNSTEADY, OipSweepResult
from pipeline.stages.oip.settings import OipConfig

MARKS = {
    CONVERGED: Mark.dot,
    REACHED: Mark.dot,
    RISING: Mark.triangle,
    BELOW: Mark.triangle,
    UNSTEADY: Mark.bar,
    NEVER: Mark.cross,
}
# beyond it the ratio to a map's largest activation on the data says no more than that this is close to none
LARGEST_RATIO = 9999


@dataclass(frozen=True)
class Words:
    """The words for a sweep: where in the CNN it looked, what parts a layer has there, what is measured of each."""

    place: str
    part: str
    parts: str
    score: str
    measured: str

    def label(self, name: str) -> str:
        """Return what a row of this name is called: "map 56" for "56"; "whole layer"; "direction"."""
        return f"{self.part} {name}" if name.isdigit() else {"layer": "whole layer"}.get(name, name)


def range_of_result(result: OipSweepResult) -> np.ndarray | None:
    """Return what black and white are in the pictures of a sweep; None of older ones, which are standardized."""
    return getattr(result, "pixel_range", None)


def words_of(config: OipConfig, *, dense: bool, shares: bool = True) -> Words:
    """Return the words for the layer of the settings, whether that is a dense one or not.

    Args:
        shares: the scores of the output are probabilities; else they may be anything, such as logits.
    """
    place = config.layer
    if config.position is not None:
        place += f" at row {config.position[0]}, column {config.position[1]}"
    if config.direction is not None:
        return Words(place, "direction", "directions", "weighted sum", f"weighted sum over {config.layer}")
    if config.layer == "Output":
        measured = "probability" if shares else "value"
        return Words(config.layer, "class", "classes", measured, f"value of a class of {config.layer}")
    if dense:
        return Words(config.layer, "unit", "units", "activation", f"value of a unit of {config.layer}")
    if config.position is None:
        return Words(config.layer, "map", "maps", "mean activation", f"mean over a map of {config.layer}")
    return Words(place, "map", "maps", "activation", f"value of a map of {place}")


def headline(words: Words, result: OipSweepResult) -> str:
    """Return the place, and how many of its maps got an OIP."""
    count = len(result.names)
    counted = f"{result.triggered} of {count}"
    if all(name.isdigit() for name in result.names.tolist()):
        counted += f" {words.part if count == 1 else words.parts}"
    return f"{words.place}: {counted} triggered"


def in_few_digits(value: float) -> str:
    """Write three digits: 0.567, 5.45 or 41.2; a large number is not rounded to them (2750), 0.0032 has two."""
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:#.3g}" if value == 0 or abs(value) >= 0.0995 else f"{value:.2g}"


def score(result: OipSweepResult, row: int) -> str:
    """Return the activation by the final image; of a map that is not activated, that it has no OIP."""
    return "no OIP" if result.verdicts[row] == NEVER else in_few_digits(float(result.activation[row]))


def ratio(result: OipSweepResult, row: int) -> str:
    """Return the score as a multiple of the largest by an image of the data set; nothing where there is none."""
    times = float(result.relative_activation[row])
    if result.verdicts[row] == NEVER or not np.isfinite(times):
        return ""
    return f"> {LARGEST_RATIO} x data" if times > LARGEST_RATIO else f"{in_few_digits(times)} x data"


def figures(result: OipSweepResult, row: int) -> str:
    """Return score and ratio, as far as there is one."""
    return ", ".join(filter(None, (score(result, row), ratio(result, row))))


def verdict_lines(result: OipSweepResult, row: int) -> list[Caption]:
    """Return the whole verdict on a map, in words, a line for each thing that is said."""
    never = result.verdicts[row] == NEVER
    marks = [MARKS[str(result.verdicts[row])]]
    marks += [Mark.loop] * bool(result.restarts[row]) + [Mark.ring] * bool(result.fires_on_no_image[row])
    colors = [WARNING if never else INK] + [FAINT_INK] * (len(marks) - 1)
    said = zip(result.verdict(row).split(", "), marks, colors, strict=True)
    return [Caption(text, mark=mark, color=color) for text, mark, color in said]


def verdict_in_short(result: OipSweepResult, row: int) -> Caption:
    """Return the verdict in 84 pixels: the step of convergence, "rising" and so on; right: times restarted."""
    verdict, times = str(result.verdicts[row]), int(result.restarts[row])
    words = {RISING: "rising", UNSTEADY: "unsteady", NEVER: "never", REACHED: "reached", BELOW: "short"}
    text = str(result.converged_at[row]) if verdict == CONVERGED else words[verdict]
    color = WARNING if verdict == NEVER else INK
    if times == 0:
        return Caption(text, mark=MARKS[verdict], color=color)
    return Caption(text, str(times), MARKS[verdict], Mark.loop, color)

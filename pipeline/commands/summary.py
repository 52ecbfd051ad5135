"""The last lines of a run: what was made, where it lies, how to look at it."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.engine.execution import StageOutcome
from pipeline.settings.choices import Stage

LOOK_AT = {
    Stage.train: "curves.png",
    Stage.activations: "images.png",
    Stage.statistics: "top_images.png",
    Stage.oip: "contact_sheet.png",
    Stage.dream: "before_after.png",
    Stage.atlas: "atlas.html",
    Stage.dream_sheet: "contact_sheet.png",
}


def summary(outcomes: Mapping[Stage, StageOutcome], *, look_at_record: str | None) -> str:
    """One line for each stage: its main figure and the path of the picture to look at first.

    Args:
        look_at_record: the command or address that shows the record, None if there is none.
    """
    lines = []
    for stage, outcome in outcomes.items():
        reused = "  (reused)" if outcome.reused else ""
        lines.append(
            f"{stage.value:<12} {_figure(stage, outcome):<42} {shown(outcome.folder / LOOK_AT[stage])}{reused}"
        )
    if look_at_record is not None:
        lines.append(f"{'look at it':<12} {look_at_record}")
    return "\n".join(lines)


def _figure(stage: Stage, outcome: StageOutcome) -> str:
    metrics = outcome.record.metrics
    match stage:
        case Stage.train:
            return f"test accuracy {metrics['final_test_accuracy']:.2%} after {metrics['epochs']:.0f} epochs"
        case Stage.activations:
            return f"{len(outcome.record.images)} layers x {metrics['images']:.0f} images"
        case Stage.statistics:
            return f"{metrics['maps']:.0f} maps x {metrics['images']:.0f} images"
        case Stage.oip:
            return f"{metrics['triggered']:.0f} of {metrics['maps']:.0f} maps got an OIP"
        case Stage.dream:
            return _dream(outcome.record.params)
        case Stage.atlas:
            return f"a page about each map, {metrics['maps']:.0f} with OIPs"
        case Stage.dream_sheet:
            return f"{outcome.record.params['dream.photo']}, {metrics['dreams']:.0f} dreams"


def _dream(params: Mapping[str, str]) -> str:
    if params["dream.method"] == "octaves":
        count = int(params["dream.octaves.count"])
        return f"{params['dream.photo']}, {count} octave{'s' if count > 1 else ''}"
    return f"{params['dream.photo']}, levels {params['dream.levels']}"


def shown(path: Path) -> Path:
    """Relative to where the command was given, if it lies below."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

"""The record's metrics of a comparison, by map index."""

import math

import numpy as np

from pipeline.engine.record import Metrics, Tables
from pipeline.engine.stage import Context
from pipeline.stages.compare.result import CompareResult


def metrics(result: CompareResult, context: Context) -> Metrics:
    """Return how alike the two are, and the correlation of every live map with its partner by map index."""
    live = result.live
    figures = {
        "maps": float(len(result.dead)),
        "other_maps": float(len(result.other_dead)),
        "matched": float(live.sum()),
        "dead": float(result.dead.sum()),
        "other_dead": float(result.other_dead.sum()),
        "mean_correlation": result.mean_correlation,
        "cka": result.layer_cka,
    }
    if result.classifies:
        figures["changed"] = float(len(result.changed))
        figures["changed_share"] = len(result.changed) / len(result.labels)
    evaluations = result.evaluations
    if evaluations is not None:
        figures["accuracy"], figures["other_accuracy"] = (each.accuracy for each in evaluations)
    images = {"compare/maps": {0: "maps.png"}, "compare/cka": {0: "cka.png"}}
    if result.classifies:
        images["compare/changed"] = {0: "changed.png"}
    return Metrics(
        metrics={name: value for name, value in figures.items() if math.isfinite(value)},
        series={"correlation": dict(zip(result.maps[live].tolist(), result.matched[live].tolist(), strict=True))},
        images=images,
        tables={"maps": maps_table(result), **_by_class(result, context.dataset.class_names)},
    )


def maps_table(result: CompareResult) -> dict[str, list]:
    """Return the matched maps by the index of the first, column by column; none where a map has no partner.

    Of a pair of dead maps no correlation is known.
    """
    order = np.argsort(result.maps)
    without = np.setdiff1d(np.arange(len(result.dead)), result.maps)
    others = np.setdiff1d(np.arange(len(result.other_dead)), result.others)
    pairs = [
        (value, "") if alive else (None, "dead")
        for value, alive in zip(result.matched.tolist(), result.live, strict=True)
    ]
    single = [
        *((index, None, bool(result.dead[index])) for index in without.tolist()),
        *((None, index, bool(result.other_dead[index])) for index in others.tolist()),
    ]
    return {
        "map": [*result.maps[order].tolist(), *(own for own, _, _ in single)],
        "other map": [*result.others[order].tolist(), *(other for _, other, _ in single)],
        "correlation": [*(pairs[row][0] for row in order), *(None for _ in single)],
        "state": [*(pairs[row][1] for row in order), *(f"{'dead, ' * dead}no partner" for *_, dead in single)],
    }


def _by_class(result: CompareResult, class_names: tuple[str, ...]) -> Tables:
    """Return how many images of every class each of the two recognizes."""
    evaluations = result.evaluations
    if evaluations is None or len(class_names) != len(evaluations[0].confusion):
        return {}
    own, other = evaluations
    return {
        "classes": {
            "class": list(class_names),
            "images": own.confusion.sum(axis=1).tolist(),
            "recognized": own.confusion.diagonal().tolist(),
            "recognized by the other": other.confusion.diagonal().tolist(),
            "accuracy": [None if math.isnan(share) else share for share in own.class_accuracy.tolist()],
            "accuracy of the other": [None if math.isnan(share) else share for share in other.class_accuracy.tolist()],
        }
    }

"""How far the pictures of a sweep are to be believed, in figures that can be compared between runs."""

from collections.abc import Sequence

import numpy as np

from pipeline.engine.record import finite
from pipeline.stages.oip.result import OipSweepResult


def figures(result: OipSweepResult) -> dict[str, float]:
    """Return the shares and medians over the maps that real images drive; what is not known is left out.

    as_much_as_data: the share of maps whose picture drives them at least as much as every real image does; path_index:
    the median over the maps of `path_index_of_maps`; nearer_than_strangers: the share of maps whose picture is, in
    every convolution before the layer, more alike to the images that drive them most than images of other classes are;
    class_agreement: the share of maps whose picture the CNN takes for the class of most of these images.
    """
    driven = result.data_maximum > 0
    if not driven.any():
        return {}
    found = {"as_much_as_data": float(np.mean((result.activation >= result.largest_on_data)[driven]))}
    found["path_index"] = _median([value for row, value in path_index_of_maps(result).items() if driven[row]])
    if (near := nearer_than_strangers(result)) is not None:
        found["nearer_than_strangers"] = float(np.mean(near[driven]))
    asked = driven & (result.top_class >= 0) & (result.taken_for >= 0)
    if asked.any():
        found["class_agreement"] = float(np.mean((result.top_class == result.taken_for)[asked]))
    return {name: value for name, value in found.items() if np.isfinite(value)}


def path_index_of_layers(result: OipSweepResult) -> dict[str, dict[int, float]]:
    """Return the median path index over the maps that images drive, by the number of the convolution, from 1.

    path_index_by_layer: of the whole layers; path_index_in_field_by_layer: of what the strongest node sees.
    """
    driven = result.data_maximum > 0
    whole, field = (
        {number: _median(values[driven]) for number, values in enumerate(index, 1)}
        for index in (result.path_index, result.field_index)
    )
    found = {"path_index_by_layer": whole, "path_index_in_field_by_layer": field}
    return {
        name: {step: value for step, value in series.items() if np.isfinite(value)} for name, series in found.items()
    }


def nearer_than_strangers(result: OipSweepResult) -> np.ndarray | None:
    """Tell of every map (maps,) whether its picture is nearer to its images than images of other classes are.

    None where there is no convolution before the layer, or where no class of an image is known.
    """
    before = before_layer(result)
    if not before or np.isnan(result.path_others[before]).all():
        return None
    return np.all(result.path_similarity[before] > result.path_others[before], axis=0)


def before_layer(result: OipSweepResult) -> list[int]:
    """Return which of the convolutions of the evidence lie before the layer of the pictures."""
    return [number for number, name in enumerate(result.path_layers.tolist()) if name != result.layer]


def path_index_of_maps(result: OipSweepResult) -> dict[int, float]:
    """Return row -> the smallest path index in the convolutions before the layer, of the rows where it is known."""
    before = before_layer(result)
    return finite(result.path_index[before].min(axis=0)) if before else {}


def _median(values: Sequence[float] | np.ndarray) -> float:
    """Return the median of those that are numbers, not a number for none."""
    known = np.asarray(values)[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")

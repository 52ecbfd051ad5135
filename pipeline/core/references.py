"""The real images that drive a target most: what a picture is drawn to, and how strong it has to be."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.core.forward import is_chain
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.matching import Match, patterns_of
from pipeline.core.network import convolutions
from pipeline.core.nodes import Graph
from pipeline.core.objectives import Target, part_up_to
from pipeline.core.parts import POOLS
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.core.priors import Priors
from pipeline.core.remembered import digest_of, remembered
from pipeline.core.score import scores, top_scores
from pipeline.core.units import unit_of
from pipeline.core.variation import MOST_PIXELS, covariance_power, mean_image, root_of, spectrum_power, variation_of


class References(NamedTuple):
    """What real images cause in the targets.

    Attributes:
        largest: (targets,) float32, the largest score by any of them.
        chosen: (targets, count) int, those that drive each target most.
        drives: (targets, count) bool, whether they do so at all.
    """

    largest: np.ndarray
    chosen: np.ndarray
    drives: np.ndarray

    @property
    def numbers(self) -> np.ndarray:
        """Return those that drive each target (targets, count), -1 in place of one that does not."""
        return np.where(self.drives, self.chosen, -1)


def references_of(
    scored: Target, images: np.ndarray, count: int, on_images: Callable[[int], None] = lambda done: None
) -> References:
    """Return the images that drive each target most.

    Args:
        scored: the score of each target.
        images: (images, height, width, channels) float32, at least one.
        count: of each target.
        on_images: is told how many images more have been looked at.
    """
    key = ("top scores", digest_of(scored.part, scored.weights, scored.offset), count)
    values, chosen = remembered(key, (images,), lambda: top_scores(scored, images, count, on_images))
    return References(values[:, 0], chosen, values > 0)


def match_of(
    model: Cnn,
    layers: Sequence[str],
    kind: str,
    *,
    scored: Target,
    aim: Target,
    images: np.ndarray,
    references: References,
    goal: np.ndarray,
    weight: float,
    is_least: bool,
    preprocessing: Preprocessing = STANDARDIZED,
) -> Match:
    """Return what the pictures of all targets are drawn to.

    Args:
        layers, kind, weight, is_least: see `Match`.
        scored: the score of each target.
        aim: the objective of each; it is measured in what leads from the mean image to the goal.
        images: those that the references are of.
        goal: (targets,), the score that a picture has to reach.
        preprocessing: what was made of the images' levels.
    """
    patterns = patterns_of(model, layers, kind, images, references.chosen, references.drives)
    # of a target that no image drives nothing is made of it
    goal = np.where(goal > 0, goal, 1.0).astype(np.float32)
    begin = preprocessing.shown(mean_image(images, preprocessing)[None])
    unit = np.maximum(goal - scores(aim, np.repeat(begin, len(goal), axis=0)), goal)
    return Match(kind, tuple(layers), patterns, scored, goal, unit, weight, is_least)


def layers_before(model: Cnn, layer: str) -> list[str]:
    """Return the layers in which pictures are drawn to their references: what the convolutions before a layer hand on.

    Of a chain of layers these are the pools behind the convolutions, or the convolutions where there is none; of
    another model the convolutions. If there are none, the input: the pixels.
    """
    names = [name for name in convolutions(model, up_to=layer) if name != layer]
    part = part_up_to(model, layer)
    if is_chain(part):
        graph, used = part.graph, {step.key[0] for step in part.steps}
        names = [_handed_on(graph, name, used) for name in names]
    return names or [graph_of(model).nodes[graph_of(model).picture].name]


def _handed_on(graph: Graph, name: str, used: Collection[int]) -> str:
    """Return the pool behind a convolution, in a chain of layers; without one the convolution.

    Args:
        used: the numbers of the nodes of the chain; its last one is no pool in question.
    """
    end = unit_of(graph, name).after.node
    following = [user for user in graph.users[end] if user in used and user != max(used)]
    if following and isinstance(graph.nodes[following[0]].operation, POOLS):
        return graph.nodes[following[0]].name
    return name


def shaped_like(
    images: np.ndarray, power: float, shaped_by: Priors, preprocessing: Preprocessing = STANDARDIZED
) -> Priors:
    """Return what a picture is asked for, and that its gradient is shaped like the data.

    Args:
        images: (images, height, width, channels) float32, at least 2.
        power: of the covariance, 0 for nothing.
        shaped_by: what is asked for without it.
        preprocessing: what was made of the images' levels.
    """
    if power == 0:
        return shaped_by
    if np.prod(images.shape[1:]) <= MOST_PIXELS:
        covariance = remembered(
            ("covariance", power, preprocessing), (images,), lambda: covariance_power(images, power, preprocessing)
        )
        # it knows the colours too
        return shaped_by._replace(covariance=covariance, colours=None)
    other = 1.0 if shaped_by.frequency_filter is None else shaped_by.frequency_filter
    colours = variation_of(images, preprocessing).colours
    spectrum = remembered(
        ("spectrum", power, preprocessing), (images,), lambda: spectrum_power(images, power, preprocessing)
    )
    return shaped_by._replace(
        frequency_filter=spectrum * other, colours=None if colours is None else root_of(colours, power)
    )

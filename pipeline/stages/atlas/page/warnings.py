"""The disagreements of evidence and picture: what makes the atlas warn of an OIP."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.stages.oip.result import NEVER, relative

# From here on a map counts as one of a class: the class with the largest mean has three times the mean of the others.
SELECTIVE = 0.5
# Below it the pictures from several seeds are no more alike than pictures of different maps: on MNIST nine in ten pairs
# of those have a correlation below 0.19.
LOW_AGREEMENT = 0.2
# Below it a real image drives the map more than the OIP does.
AS_MUCH_AS_DATA = 1.0


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The evidence on a map and its OIP; a number that is not known is not a number.

    verdict: of the OIP; fires_on_no_image: no real image activates the map; relative: the score as a multiple of the
    largest that a real image causes; early_similarity, early_others: for each convolution before the layer, how alike
    the map's top images and the OIP, and images of other classes, are; agreement: between seeds; preferred,
    predicted: the class that the map prefers, and the one the CNN takes the OIP for, -1 for none; selectivity.
    """

    verdict: str
    fires_on_no_image: bool
    relative: float
    early_similarity: Sequence[float]
    early_others: Sequence[float]
    agreement: float
    preferred: int
    predicted: int
    selectivity: float


@dataclass(frozen=True)
class Rule:
    """A warning: its key, two or three words, a sentence, when it is given, and whether it needs labels."""

    key: str
    short: str
    sentence: str
    applies: Callable[[Evidence], bool]
    of_classes: bool = False


# a comparison with what is not a number is false: no rule applies to what is not known
RULES = (
    Rule(
        "never",
        "never triggered",
        "The picture does not activate the map: it shows noise, not what the map reacts to.",
        lambda of: of.verdict == NEVER,
    ),
    Rule(
        "unused",
        "fires on no image",
        "No image of the data activates the map: what the picture shows has nothing to do with the data.",
        lambda of: of.fires_on_no_image,
    ),
    Rule(
        "weaker",
        "weaker than data",
        "A real image drives the map more than this picture does: look at the real images first.",
        lambda of: of.verdict != NEVER and of.relative < AS_MUCH_AS_DATA,
    ),
    Rule(
        "path",
        "other path",
        "In the convolutions before this layer the picture is less like the images that drive the map most than images "
        "of other classes are: it reaches the map on a path that the data does not take.",
        lambda of: len(of.early_others) > 0
        and all(own < others for own, others in zip(of.early_similarity, of.early_others, strict=True)),
        of_classes=True,
    ),
    Rule(
        "seeds",
        "seeds disagree",
        f"Pictures that grew out of other noise look different (agreement below {LOW_AGREEMENT}): this one is one of "
        "several answers.",
        lambda of: of.agreement < LOW_AGREEMENT,
    ),
    Rule(
        "class",
        "taken for another class",
        f"The map is selective ({SELECTIVE} or more), but the CNN takes the picture for another class than the one "
        "that the map prefers.",
        lambda of: of.selectivity >= SELECTIVE and -1 not in (of.preferred, of.predicted)
        and of.preferred != of.predicted,
        of_classes=True,
    ),
)  # fmt: skip


def warnings_for(evidence: Evidence) -> tuple[Rule, ...]:
    """Return the rules that apply, in their order."""
    return tuple(rule for rule in RULES if rule.applies(evidence))


def relative_score(activation: float, maximum: float) -> float:
    """Return the score as a multiple of the largest on the data.

    Not a number where that is not known or not above 0.
    """
    return float(relative(np.array(activation, np.float64), np.array(maximum, np.float64)))

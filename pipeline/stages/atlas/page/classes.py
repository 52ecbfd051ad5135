"""The page of a class: what it does to all maps, and what the CNN takes it for."""

import itertools
from dataclasses import dataclass

import numpy as np

from pipeline.stages.atlas.page.effects import cohens_d, farthest
from pipeline.stages.atlas.page.gallery import Gallery
from pipeline.stages.atlas.page.numbers import MINUS, Number, brief, known, percent, plain
from pipeline.stages.atlas.page.source import NO_IMAGES, Source

# How many maps are named that tell a class from others, in each direction.
TELLING = 12


@dataclass(frozen=True)
class Telling:
    """A map that tells a class from others, with Cohen's d and the means of both."""

    index: int
    effect: str
    here: str
    there: str


@dataclass(frozen=True)
class Mistake:
    """Images of a class that were taken for another one."""

    label: int
    name: str
    count: int
    share: Number
    bar: float


@dataclass(frozen=True)
class Pattern:
    """The mean of every node of a map over the images of a class. share: of the map's largest class mean, 0 to 1."""

    index: int
    key: str
    label: str
    mean: Number
    share: float


@dataclass(frozen=True)
class ClassPage:
    """The page of a class.

    picture: the mean of the images; rival: the class that it is compared with at first, -1 if there is none.
    """

    label: int
    name: str
    count: int
    picture: str
    accuracy: Number
    preferring: list[int]
    mistakes: list[Mistake]
    mistaken: list[Mistake]
    more: list[Telling]
    less: list[Telling]
    patterns: list[Pattern]
    rival: int


def class_page(source: Source, label: int, gallery: Gallery) -> ClassPage:
    """Make the page of the class `label`."""
    statistics, count = source.statistics, int(source.counts[label])
    others = [other for other in source.classes if other != label]
    confusion, own = statistics.confusion, source.images[source.labels == label]
    return ClassPage(
        label=label,
        name=source.name(label),
        count=count,
        picture=gallery.image(f"class-{label}", own.mean(axis=0)) if len(own) else "",
        accuracy=known(statistics.accuracy[label], source.no_accuracy, percent),
        preferring=np.flatnonzero(statistics.preferred_class == label).tolist(),
        mistakes=_mistakes(source, label, confusion[label], count),
        mistaken=_mistakes(source, label, confusion[:, label], None),
        more=_telling(source, [label], others),
        less=[
            Telling(one.index, f"{MINUS}{one.effect}", one.there, one.here) for one in _telling(source, others, [label])
        ],
        patterns=[
            _pattern(source, label, index, gallery) for index in range(source.maps if source.has_patterns else 0)
        ],
        rival=rival(confusion, label) if source.compares else -1,
    )


def rival(confusion: np.ndarray, label: int) -> int:
    """Return the other class that a class is confused with most, in either direction; of equal ones the next one.

    -1 if there is no other class.

    Args:
        confusion: (classes, classes), numbers of images.
        label: the number of the class.
    """
    both = confusion[label] + confusion[:, label]
    others = [other % len(both) for other in range(label + 1, label + len(both))]
    return max(others, key=lambda other: both[other], default=-1)


def _mistakes(source: Source, label: int, counts: np.ndarray, whole: int | None) -> list[Mistake]:
    """Return the other classes with a count, the largest first; shares of `whole`, or of the other class's images."""
    others = [other for other in source.classes if other != label and counts[other] > 0]
    others.sort(key=lambda other: -counts[other])
    largest = max((int(counts[other]) for other in others), default=1)
    return [
        Mistake(
            other,
            source.name(other),
            int(counts[other]),
            known(counts[other] / (source.counts[other] if whole is None else whole), NO_IMAGES, percent),
            round(int(counts[other]) / largest, 3),
        )
        for other in others
    ]


def _telling(source: Source, here: list[int], there: list[int]) -> list[Telling]:
    """Return the maps that the images of some classes activate more than those of others."""
    one, other = source.group(here), source.group(there)
    effects = cohens_d(one, other)
    return [
        Telling(index, brief(float(effects[index])), plain(float(one.means[index])), plain(float(other.means[index])))
        for index in farthest(effects, TELLING).tolist()
    ]


def _pattern(source: Source, label: int, index: int, gallery: Gallery) -> Pattern:
    """Draw the means in colours from 0, or the smallest if below, to the largest of any class in this map."""
    statistics = source.statistics
    of_all = statistics.class_positions[:, index]
    known_values = of_all[np.isfinite(of_all)]
    low, high = min(0.0, known_values.min(initial=0.0)), known_values.max(initial=0.0)
    mean, means = float(statistics.class_means[index, label]), statistics.class_means[index]
    largest = float(np.nanmax(np.nan_to_num(means)))
    return Pattern(
        index=index,
        key=gallery.shades(f"pattern-{label}-{index}", of_all[label], low, high) if source.counts[label] else "",
        label=source.map_label(index),
        mean=known(mean, NO_IMAGES),
        share=round(float(np.clip(mean / largest, 0, 1)), 3) if largest > 0 and np.isfinite(mean) else 0.0,
    )


def comparisons(source: Source) -> dict[str, list[list[list[object]]]]:
    """Return for every two classes "4-9", the smaller first, the maps that each of them activates more.

    Nothing of too many classes. Of each map its index, the size of Cohen's d, and the means of the first and of the
    second class, as text.
    """
    pairs: dict[str, list[list[list[object]]]] = {}
    if not source.compares:
        return pairs
    groups = [source.group([label]) for label in source.classes]
    for first, second in itertools.combinations(source.classes, 2):
        effects = cohens_d(groups[first], groups[second])
        pairs[f"{first}-{second}"] = [
            [
                [
                    index,
                    brief(abs(float(effects[index]))),
                    *(plain(float(groups[label].means[index])) for label in (first, second)),
                ]
                for index in farthest(effects * sign, TELLING).tolist()
            ]
            for sign in (1, -1)
        ]
    return pairs

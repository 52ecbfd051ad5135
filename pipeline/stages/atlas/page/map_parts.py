"""The parts of the page of a map, ready to be written."""

from dataclasses import dataclass

from pipeline.stages.atlas.page.numbers import Number


@dataclass(frozen=True)
class Picture:
    """A picture with what is written below it."""

    key: str
    alt: str
    title: str
    number: Number


@dataclass(frozen=True)
class TopImage:
    """A real image.

    height, width: in pixels; label: its class in words, nothing if there is none; box: (left, top, width, height) of
    what the strongest node sees, in pixels; whole: all of it.
    """

    key: str
    height: int
    width: int
    rank: int
    index: int
    label: str
    activation: Number
    node: Number
    row: int
    column: int
    box: tuple[int, int, int, int]
    whole: bool


@dataclass(frozen=True)
class ClassRow:
    """A class as the map sees it. bar: the mean as a share of the largest; change_bar: of the accuracy, -1 to 1."""

    number: int
    name: str
    mean: Number
    deviation: Number
    bar: float
    change: Number
    change_bar: float
    prediction: Number
    prediction_bar: float
    preferred: bool


@dataclass(frozen=True)
class Starts:
    """Pictures that grew out of start images of the same kind."""

    name: str
    pictures: list[Picture]


@dataclass(frozen=True)
class Positions:
    """The mean of each node of the map as a picture."""

    key: str
    alt: str
    low: str
    high: str
    said: str


@dataclass(frozen=True)
class PathRow:
    """The similarity of patterns in a convolution."""

    layer: str
    own: Number
    same: Number
    others: Number


@dataclass(frozen=True)
class Neighbour:
    """Another map, and the correlation with it."""

    index: int
    correlation: str

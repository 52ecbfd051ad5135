"""The page of a comparison, from its parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from pipeline.stages.atlas.page.gallery import PALETTE, SMALL_SIDE, Gallery
from pipeline.stages.atlas.page.look import colour_stops, environment, proportion, text_of
from pipeline.stages.atlas.page.numbers import Number, brief, counted, known, percent, plain, points
from pipeline.stages.compare.result import CompareResult

HERE = "pipeline.stages.compare.page"
# Of the images with another class so many are shown.
MOST_CHANGED = 200
NO_IMAGES = "the class has no image"
NO_CKA = "the layer answers the same to all images"


@dataclass(frozen=True, kw_only=True)
class About:
    """What the page says of the two. Text, as the user gave it: whoever shows it has to escape it.

    Attributes:
        run: the name of the run.
        name, other: of the two CNNs.
        dataset, split: where the images are from, and which of them.
        command: repeats the run.
        settings, tags: name -> value.
    """

    run: str
    name: str
    other: str
    dataset: str
    split: str
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """A map of a pair. letter: of its CNN; oip: key; tops: keys of images with what is said of each."""

    letter: str
    index: int
    oip: str
    drive: str
    tops: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Pair:
    """Two matched maps. bar: the size of the correlation, 0 to 1."""

    own: Side
    other: Side
    correlation: str
    bar: float


@dataclass(frozen=True)
class Changed:
    """An image that the two take for different classes."""

    index: int
    key: str
    label: str
    said: list[tuple[str, str, str, bool]]


@dataclass(frozen=True)
class ClassRow:
    name: str
    images: int
    own: Number
    other: Number
    change: Number
    bar: float
    changed: int


@dataclass(frozen=True)
class Cell:
    """A cell of the table of layers. colour, ink: of it and its text, as CSS has them."""

    number: Number
    colour: str
    ink: str
    here: bool


def render_page(
    about: About,
    result: CompareResult,
    images: np.ndarray,
    class_names: Sequence[str],
    pixel_range: np.ndarray | None,
) -> str:
    """Make one HTML file of a comparison, which asks for nothing else. The same input makes the same text.

    Args:
        about: what it says of the two.
        images: those that were looked at, (count, height, width, channels).
        class_names: text of the user's, as is all of `about` and the layers' names: it is escaped.
        pixel_range: see `image_levels`.
    """
    gallery = Gallery(pixel_range)
    pairs = [_pair(result, picture, images, class_names, gallery) for picture in result.shown_order]
    changed = result.changed
    return environment(HERE).get_template("page.html.j2").render(
        about=about,
        result=result,
        style=Markup(text_of("atlas.css")),
        own_style=Markup(text_of("compare.css", HERE)),
        stops=colour_stops(),
        image=proportion(*images.shape[1:3]),
        sides=images.shape[1:3],
        labelled=bool((result.labels >= 0).any()),
        gallery=gallery,
        pairs=pairs,
        left_out=int(result.live.sum()) - len(pairs),
        summary=_summary(result),
        said=_said(result),
        layers=result.layers.tolist(),
        other_layers=result.other_layers.tolist(),
        cells=_cells(result),
        classes=_classes(result, class_names),
        changed_count=len(changed),
        changed=[_changed(result, int(index), images, class_names, gallery) for index in changed[:MOST_CHANGED]],
        images_counted=counted(len(images), "image", "images"),
    )  # fmt: skip


def name_of(label: int, class_names: Sequence[str]) -> str:
    """Return the name of a class; its number where it has none."""
    return class_names[label] if 0 <= label < len(class_names) else str(label)


def _summary(result: CompareResult) -> list[tuple[str, str]]:
    """Return the comparison in a few figures: number and what it counts."""
    mean = known(result.mean_correlation, "no pair of live maps", _three)
    cka = known(result.layer_cka, NO_CKA, _three)
    where = result.layer if result.layer == result.other_layer else f"{result.layer} and {result.other_layer}"
    figures = [(mean.text, "mean correlation of matched maps"), (cka.text, f"linear CKA of {where}")]
    if result.classifies:
        share = len(result.changed) / len(result.labels)
        figures.append((percent(share), "of the images are taken for another class"))
    evaluations = result.evaluations
    if evaluations is not None:
        figures += [
            (f"{100 * each.accuracy:.2f} %", f"accuracy of {letter}")
            for letter, each in zip("AB", evaluations, strict=True)
        ]
    return figures


def _said(result: CompareResult) -> list[str]:
    """Return what there is to be said of all pairs."""
    live = int(result.live.sum())
    maps = f"{len(result.dead)} maps of A and {len(result.other_dead)} of B"
    over = "all images and positions"
    if not result.by_position:
        over = "all images, of the means over the positions, as the maps of the two have different sides"
    said = [f"{counted(live, 'pair', 'pairs')} of live maps, of {maps}. Correlations are taken over {over}."]
    for letter, dead in (("A", result.dead), ("B", result.other_dead)):
        if dead.any():
            which = ", ".join(map(str, np.flatnonzero(dead)))
            said.append(
                f"Dead in {letter}, with one value at every position of every image, so that nothing correlates with "
                f"them: {counted(int(dead.sum()), 'map', 'maps')}, {which}."
            )
    for letter, matched, dead in (("A", result.maps, result.dead), ("B", result.others, result.other_dead)):
        without = len(dead) - len(matched)
        if without:
            has = "has" if without == 1 else "have"
            which = ", ".join(map(str, np.setdiff1d(np.arange(len(dead)), matched)))
            said.append(f"{counted(without, 'map', 'maps')} of {letter} {has} no partner: {which}.")
    return said


def _three(value: float) -> str:
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def _pair(
    result: CompareResult, picture: int, images: np.ndarray, class_names: Sequence[str], gallery: Gallery
) -> Pair:
    pair = int(result.shown[picture])

    def top(number: int) -> tuple[str, str, str]:
        key = gallery.image(f"image-{number}", images[number], SMALL_SIDE)
        return key, _label(result, number, class_names), str(number)

    def side(
        letter: str, maps: np.ndarray, oips: np.ndarray, activation: np.ndarray, largest: np.ndarray, tops: np.ndarray
    ) -> Side:
        index = int(maps[pair])
        reached = activation[picture] / largest[index] if largest[index] > 0 else np.nan
        return Side(
            letter,
            index,
            gallery.image(f"oip-{letter}-{index}", oips[picture], SMALL_SIDE),
            known(reached, "no image activates it", lambda value: f"{plain(value)} × data").text,
            [top(number) for number in tops[pair].tolist()],
        )

    other = result.others, result.other_oips, result.other_activation, result.other_largest, result.other_top_indices
    return Pair(
        side("A", result.maps, result.oips, result.activation, result.largest, result.top_indices),
        side("B", *other),
        _three(float(result.matched[pair])),
        round(abs(float(result.matched[pair])), 3),
    )  # fmt: skip


def _label(result: CompareResult, image: int, class_names: Sequence[str]) -> str:
    label = int(result.labels[image])
    return name_of(label, class_names) if label >= 0 else ""


def _cells(result: CompareResult) -> list[list[Cell]]:
    def cell(row: int, column: int) -> Cell:
        value = float(result.cka[row, column])
        here = result.layers[row] == result.layer and result.other_layers[column] == result.other_layer
        if not np.isfinite(value):
            return Cell(known(value, NO_CKA, brief), "transparent", "var(--ink)", here)
        red, green, blue = PALETTE[round(value * (len(PALETTE) - 1))].tolist()
        # relative luminance, by which black or white is told better
        linear = [(level / 255) ** 2.2 for level in (red, green, blue)]
        is_light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18
        return Cell(known(value, NO_CKA, brief), f"rgb({red} {green} {blue})", "#000" if is_light else "#fff", here)

    rows, columns = result.cka.shape
    return [[cell(row, column) for column in range(columns)] for row in range(rows)]


def _classes(result: CompareResult, class_names: Sequence[str]) -> list[ClassRow]:
    """Return the accuracy of both for every class."""
    evaluations = result.evaluations
    if evaluations is None:
        return []
    own, other = evaluations
    changes = other.class_accuracy - own.class_accuracy
    largest = np.nanmax(np.abs(changes), initial=0.0) if np.isfinite(changes).any() else 0.0
    turned = np.bincount(result.labels[result.changed], minlength=len(changes))
    return [
        ClassRow(
            name_of(label, class_names),
            int(own.confusion[label].sum()),
            known(own.class_accuracy[label], NO_IMAGES, percent),
            known(other.class_accuracy[label], NO_IMAGES, percent),
            known(change, NO_IMAGES, points),
            round(float(np.nan_to_num(change)) / largest, 3) if largest > 0 else 0.0,
            int(turned[label]),
        )
        for label, change in enumerate(changes.tolist())
    ]


def _changed(
    result: CompareResult, index: int, images: np.ndarray, class_names: Sequence[str], gallery: Gallery
) -> Changed:
    said = []
    for letter, likely in (("A", result.probabilities[index]), ("B", result.other_probabilities[index])):
        taken = int(likely.argmax())
        said.append((letter, name_of(taken, class_names), percent(float(likely[taken])), taken == result.labels[index]))
    key = gallery.image(f"image-{index}", images[index], SMALL_SIDE)
    return Changed(index, key, _label(result, index, class_names), said)

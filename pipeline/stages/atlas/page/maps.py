"""The page of a map: all that is known of it."""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.stages.atlas.page.cards import NO_MAXIMUM, Card
from pipeline.stages.atlas.page.curve import Curve, curve
from pipeline.stages.atlas.page.gallery import SMALL_SIDE, Gallery
from pipeline.stages.atlas.page.map_parts import ClassRow, Neighbour, PathRow, Picture, Positions, Starts, TopImage
from pipeline.stages.atlas.page.numbers import brief, known, percent, plain, points, times, unknown
from pipeline.stages.atlas.page.source import FIRST_ROWS, MOST_ROWS, NO_IMAGES, OTHER_CLASSES, Source
from pipeline.stages.atlas.page.warnings import relative_score

NO_OIP_TO_SHOW = "there is no OIP to show to the CNN"


@dataclass(frozen=True)
class MapPage:
    """The page of a map.

    previous, following: the maps beside it in the order of the overview; left_out: how many classes are not shown.
    """

    card: Card
    previous: int
    following: int
    sentences: list[str]
    tops: list[TopImage]
    classes: list[ClassRow]
    left_out: int
    positions: Positions | None
    evolution: list[Picture]
    objective: Curve | None
    starts: list[Starts]
    path: list[PathRow]
    similar: list[Neighbour]
    opposite: list[Neighbour]
    dream: str

    @property
    def reasons(self) -> list[str]:
        """Return why numbers of the classes are not known, each reason once."""
        numbers = [number for row in self.classes for number in (row.mean, row.change, row.prediction)]
        shown = numbers if self.card.has_oip else [number for number in numbers if number.reason != NO_OIP_TO_SHOW]
        return sorted({number.reason for number in shown if not number.known})


def map_page(source: Source, card: Card, previous: int, following: int, gallery: Gallery) -> MapPage:
    """Make the page of the map of a card.

    Args:
        previous, following: the indices of the maps beside it in the order of the overview.
    """
    row, at = source.oip_rows.get(card.index), source.atlas_rows.get(card.index)
    rows = _classes(source, card, at)
    shown = _shown(rows, card)
    return MapPage(
        card=card,
        previous=previous,
        following=following,
        sentences=_sentences(source, card, rows),
        tops=_tops(source, card.index, gallery),
        classes=shown,
        left_out=len(rows) - len(shown),
        positions=None if source.dense else _positions(source, card, gallery),
        evolution=[] if row is None else _evolution(source, card, row, gallery),
        objective=None if row is None else curve(source.oips.objective[:, row], source.oips.snapshot_steps),
        starts=_starts(source, card, gallery),
        path=[] if row is None else _path(source, row),
        similar=_neighbours(source, card.index, source.neighbours.similar, 1),
        opposite=_neighbours(source, card.index, source.neighbours.opposite, -1),
        dream=_dream(source, at, card.index, gallery),
    )


def _sentences(source: Source, card: Card, rows: list[ClassRow]) -> list[str]:
    """Return what the numbers say, in words."""
    part, statistics = source.words.part, source.statistics
    said = []
    if card.has_oip and card.relative.known:
        said.append(
            f"The OIP brings the {part} to {card.score.text} ({source.words.score}), {card.relative.text} the largest "
            f"that a real image causes, {card.maximum.text}."
        )
    elif card.has_oip:
        said.append(
            f"The OIP brings the {part} to {card.score.text} ({source.words.score}). There is nothing to compare it "
            f"with: {NO_MAXIMUM}."
        )
    else:
        said.append(f"This run made no OIP of the {part}; what it answers to real images is known all the same.")
    if card.preferred >= 0:
        said.append(
            f"Of all classes {card.preferred_name} activates it most; its selectivity is {card.selectivity.words}."
        )
    elif source.labelled:
        said.append("No class activates it more than the others.")
    if card.predicted >= 0:
        row = rows[card.predicted]
        said.append(f"The CNN takes the OIP for {row.name} ({row.prediction.text}).")
    said.append(f"{percent(float(statistics.active_share[card.index]))} of the images bring a node of it above 0.")
    changes = [row for row in rows if row.change.known]
    if changes:
        most = min(changes, key=lambda row: row.change.value)
        worst = points(most.change.value)
        said.append(
            "Switched off, no class loses accuracy."
            if most.change.value >= 0
            else f"Switched off, {most.name} loses most: {worst} of accuracy."
        )
    return said


def _tops(source: Source, index: int, gallery: Gallery) -> list[TopImage]:
    statistics, tops = source.statistics, []
    for rank, image in enumerate(statistics.top_indices[index].tolist()):
        if not statistics.top_nodes[index, rank] > 0:
            # where fewer images activate the map the rest are the first of all, which say nothing of it
            break
        height, width = source.images.shape[1:3]
        top, left, bottom, right = statistics.top_crops[index, rank].tolist()
        tops.append(
            TopImage(
                key=gallery.image(f"image-{image}", source.images[image]),
                height=height,
                width=width,
                rank=rank + 1,
                index=image,
                label=source.name(int(source.labels[image])),
                activation=known(statistics.top_activations[index, rank], "it is not a number"),
                node=known(statistics.top_nodes[index, rank], "it is not a number"),
                row=int(statistics.top_rows[index, rank]),
                column=int(statistics.top_columns[index, rank]),
                box=(left, top, right - left, bottom - top),
                whole=(top, left, bottom, right) == (0, 0, height, width),
            )
        )
    return tops


def _classes(source: Source, card: Card, at: int | None) -> list[ClassRow]:
    statistics, index = source.statistics, card.index
    if not source.labelled:
        return []
    means, changes = statistics.class_means[index], statistics.ablated_accuracy[index] - statistics.accuracy
    predictions = np.full(len(means), np.nan) if at is None else source.predictions[at]
    no_prediction = NO_OIP_TO_SHOW if at is None else "the CNN gives no number" if source.classifies else OTHER_CLASSES
    return [
        ClassRow(
            number=label,
            name=source.name(label),
            mean=known(means[label], NO_IMAGES),
            deviation=known(statistics.class_deviations[index, label], NO_IMAGES),
            bar=share,
            change=known(changes[label], source.no_accuracy, points),
            change_bar=change,
            prediction=known(predictions[label], no_prediction, percent),
            prediction_bar=_inside(predictions[label]),
            preferred=label == card.preferred,
        )
        for label, share, change in zip(source.classes, _bars(means), _bars(changes), strict=True)
    ]


def _shown(rows: list[ClassRow], card: Card) -> list[ClassRow]:
    """Return the rows that the page shows: of many classes those that activate the map most, and those named on it."""
    if len(rows) <= MOST_ROWS:
        return rows
    first = sorted(rows, key=lambda row: -row.mean.value if row.mean.known else math.inf)[:FIRST_ROWS]
    named = {row.number for row in first} | {card.preferred, card.predicted}
    return [row for row in rows if row.number in named]


def _bars(values: np.ndarray) -> list[float]:
    """Return each as a share of the largest size, -1 to 1; 0 for what is not a number."""
    sizes = np.abs(np.nan_to_num(values))
    return [round(float(share), 3) for share in np.nan_to_num(values) / (sizes.max() if sizes.any() else 1)]


def _inside(share: float) -> float:
    return round(float(np.clip(np.nan_to_num(share), 0, 1)), 3)


def _positions(source: Source, card: Card, gallery: Gallery) -> Positions:
    means = source.statistics.position_means[card.index]
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    (best_row, best_column), (row, column) = (
        np.unravel_index(chosen, means.shape) for chosen in (np.nanargmax(means), np.nanargmin(means))
    )
    if high == low:
        said = f"All {means.size} positions answer alike."
    else:
        said = (
            f"Strongest at row {best_row}, column {best_column} ({plain(high)}), weakest at row {row}, column "
            f"{column} ({plain(low)}), counted from 0 at the top left."
        )
    return Positions(
        key=gallery.shades(f"positions-{card.index}", means, low, high),
        alt=f"Mean activation at each of the {means.shape[0]} × {means.shape[1]} positions of {card.label}. {said}",
        low=plain(low),
        high=plain(high),
        said=said,
    )


def _evolution(source: Source, card: Card, row: int, gallery: Gallery) -> list[Picture]:
    oips, stopped = source.oips, "the ascent had ended"
    pictures = [
        Picture(
            gallery.image(f"start-{card.index}", oips.start_images[row], SMALL_SIDE),
            f"Noise that the OIP of {card.label} grew out of",
            "start",
            known(oips.objective[0, row], stopped) if len(oips.objective) else unknown(stopped),
        )
    ]
    for number, step in enumerate(oips.snapshot_steps.tolist()):
        # the objective after a step is that before the next; the picture after the last one is the OIP itself
        if step + 1 < len(oips.objective):
            key = gallery.image(f"step-{card.index}-{step}", oips.snapshots[number, row], SMALL_SIDE)
            alt = f"Picture of {card.label} after step {step}"
            pictures.append(Picture(key, alt, f"step {step}", known(oips.objective[step + 1, row], stopped)))
    return pictures


def _starts(source: Source, card: Card, gallery: Gallery) -> list[Starts]:
    """Return the pictures of every kind of start; where none were made for the atlas, those of the run itself."""
    at, row = source.atlas_rows.get(card.index), source.oip_rows.get(card.index)
    if at is not None and source.atlas.other_images.size:
        atlas = source.atlas
        made = zip(
            atlas.start_names.tolist(), atlas.other_images[:, :, at], atlas.other_activation[:, :, at], strict=True
        )
    elif row is not None and source.oips.all_images.shape[1] > 1:
        made = zip(["as in this run"], [source.oips.all_images[row]], [source.oips.all_activation[row]], strict=True)
    else:
        return []
    maximum = np.nan if row is None else source.oips.largest_on_data[row]
    return [
        Starts(
            name,
            [
                Picture(
                    gallery.image(f"other-{card.index}-{kind}-{number}", image, SMALL_SIDE),
                    f"Picture for {card.label} that grew out of start {number} of {name}",
                    f"start {number}",
                    known(relative_score(activation, maximum), NO_MAXIMUM, times),
                )
                for number, (image, activation) in enumerate(zip(images, activations.tolist(), strict=True))
            ],
        )
        for kind, (name, images, activations) in enumerate(made)
    ]


def _path(source: Source, row: int) -> list[PathRow]:
    oips, reason = source.oips, "there are too few images to compare"
    no_others = reason if source.labelled else "the data have no labels"
    return [
        PathRow(
            layer,
            known(oips.path_similarity[number, row], reason, brief),
            known(oips.path_same[number, row], reason, brief),
            known(oips.path_others[number, row], no_others, brief),
        )
        for number, layer in enumerate(oips.path_layers.tolist())
    ]


def _neighbours(source: Source, index: int, found: np.ndarray, sign: int) -> list[Neighbour]:
    """Return the maps of `found` whose correlation with the map has this sign.

    sign: 1 or -1: in a small layer the most similar of the rest may be opposite.
    """
    correlation = source.statistics.correlation[index]
    others = [other for other in found[index].tolist() if other >= 0 and sign * correlation[other] > 0]
    return [Neighbour(other, brief(float(correlation[other]))) for other in others]


def _dream(source: Source, at: int | None, index: int, gallery: Gallery) -> str:
    if at is None or source.photo is None:
        return ""
    return gallery.photo(f"dream-{index}", source.atlas.dream(at))

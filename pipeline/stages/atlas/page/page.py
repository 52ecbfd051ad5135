"""The whole page, from its parts."""

import base64
import hashlib
import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.drawing.levels import range_of
from pipeline.runtime.errors import InputError
from pipeline.stages.atlas.page.about import About
from pipeline.stages.atlas.page.cards import SHORT, SIGNS, Card, cards
from pipeline.stages.atlas.page.classes import class_page, comparisons
from pipeline.stages.atlas.page.curve import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from pipeline.stages.atlas.page.gallery import Gallery
from pipeline.stages.atlas.page.glossary import glossary
from pipeline.stages.atlas.page.look import colour_stops, environment, proportion, text_of
from pipeline.stages.atlas.page.maps import map_page
from pipeline.stages.atlas.page.network import layer_pages
from pipeline.stages.atlas.page.numbers import counted, percent
from pipeline.stages.atlas.page.source import Source
from pipeline.stages.atlas.page.warnings import RULES
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.oip.pictures.words import range_of_result
from pipeline.stages.oip.result import BELOW, REACHED, OipSweepResult
from pipeline.stages.statistics.result import MapStatistics


def render_atlas(
    about: About,
    oips: OipSweepResult,
    statistics: MapStatistics,
    atlas: AtlasResult,
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    preprocessing: Preprocessing = STANDARDIZED,
) -> str:
    """Make one HTML file of all maps of a layer, which asks for nothing else.

    The same input makes the same text.

    Args:
        about: what the page says of the run.
        oips: may be of some of the maps only; those without an OIP come last.
        statistics: of all maps of the layer, over `images`.
        atlas: of the maps that have an OIP, as `examine_maps` made it.
        images: (images, height, width, channels) float32, as the CNN takes them, those that `statistics` looked at.
        labels: (images,) int, their classes.
        class_names: (classes,), text of the user's, as is all of `about` and the layers' names: it is escaped. None
            where the data has no labels: what is said of classes is left out.
        preprocessing: what was made of the images.
    Returns:
        The text of the file.
    Raises:
        InputError: another number of names than of classes.
    """
    if len(class_names) not in (0, statistics.classes):
        takes = f"a name for each of the {statistics.classes} classes"
        raise InputError.at("class_names", takes=takes, got=f"{len(class_names)} names")
    source = Source(about, oips, statistics, atlas, images, labels, tuple(class_names))
    # what black and white are is said by the data, or else by the OIPs
    pixel_range = range_of(preprocessing, images.shape[-1])
    gallery = Gallery(range_of_result(oips) if pixel_range is None else pixel_range)
    script = text_of("atlas.js")
    shown = cards(source, gallery)
    photo = "" if source.photo is None else gallery.photo("photo", source.photo)
    return environment().get_template("page.html.j2").render(
        about=about,
        words=source.words,
        source=source,
        layer=oips.layer,
        style=Markup(text_of("atlas.css")),
        script=Markup(script),
        script_digest=_digest(script),
        cards=shown,
        pages=_map_pages(source, shown, gallery),
        classes=[class_page(source, label, gallery) for label in source.classes],
        comparisons=comparisons(source),
        layers=layer_pages(source, gallery),
        glossary=glossary(source.words, labelled=source.labelled, logits=source.gives_logits),
        summary=_summary(source, shown),
        rules=[rule for rule in RULES if source.labelled or not rule.of_classes],
        verdicts=[(word, SIGNS[word], SHORT[word]) for word in _verdicts(shown)],
        photo=photo,
        reach=_reach(shown),
        warned=[(rule, sum(rule in card.warnings for card in shown)) for rule in RULES],
        general=[(rule, sum(rule in card.general for card in shown)) for rule in RULES],
        images_counted=counted(len(images), "image", "images"),
        gallery=gallery,
        # those of the overview lie there, so that it is seen at once and without the script
        later=_later(gallery, shown),
        proportions=[proportion(*source.sides), proportion(*statistics.position_means.shape[1:])],
        stops=colour_stops(),
        chart={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
    )  # fmt: skip


def _later(gallery: Gallery, shown: list[Card]) -> dict[str, str]:
    """Return the pictures that do not lie in the overview."""
    there = {key for card in shown for key in (card.picture, card.plain)}
    return {key: address for key, address in gallery.addresses.items() if key not in there}


def _verdicts(shown: list[Card]) -> list[str]:
    """Return the verdicts that a map has here, and those that one could have by these settings."""
    has = {card.verdict for card in shown}
    of_goals = {REACHED, BELOW}
    return [word for word in SIGNS if word in has or (word in of_goals) == bool(has & of_goals)]


def _map_pages(source: Source, shown: list[Card], gallery: Gallery) -> list[object]:
    """Make the pages in the order of the overview, whose end leads to its beginning."""
    around = [shown[-1], *shown, shown[0]]
    triples = zip(around, shown, around[2:], strict=False)
    return [map_page(source, card, before.index, after.index, gallery) for before, card, after in triples]


def _summary(source: Source, shown: list[Card]) -> list[tuple[str, str]]:
    """Return the layer in a few figures: number and what it counts."""
    words, made = source.words, [card for card in shown if card.has_oip]
    compared = [card.relative.value for card in made if card.relative.known]
    right = int(source.statistics.confusion.diagonal().sum())
    stronger = sum(value >= 1 for value in compared)
    warned = sum(bool(card.warnings) for card in shown)
    figures = [
        (f"{len(made)} of {len(shown)}", f"{words.parts} with an OIP"),
        (f"{stronger} of {len(compared)}", "OIPs drive their " + words.part + " at least as much as any real image"),
        (
            f"{warned}",
            f"{words.part if warned == 1 else words.parts} with warnings of {'its' if warned == 1 else 'their'} own",
        ),
    ]
    if source.classifies and (total := int(source.counts.sum())):
        figures.append((percent(right / total), f"accuracy on {counted(total, 'image', 'images')}"))
    return figures


def _reach(shown: list[Card]) -> int:
    """Return up to which multiple of the data's maximum one can filter: what 9 in 10 OIPs keep below, at least 2."""
    compared = [card.relative.value for card in shown if card.relative.known]
    return max(2, math.ceil(np.quantile(compared, 0.9))) if compared else 2


def _digest(script: str) -> str:
    """Return what the page's policy knows the script by: the base64 of its SHA-256."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

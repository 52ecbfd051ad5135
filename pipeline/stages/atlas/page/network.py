"""The layers of the network, and the OIPs of the other convolutions."""

import math
from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

from pipeline.stages.atlas.page.cards import NO_MAXIMUM
from pipeline.stages.atlas.page.gallery import SMALL_SIDE, Gallery
from pipeline.stages.atlas.page.map_parts import Picture
from pipeline.stages.atlas.page.numbers import counted, known, plain, times
from pipeline.stages.atlas.page.source import Source
from pipeline.stages.atlas.page.warnings import RULES, Evidence, Rule, relative_score, warnings_for
from pipeline.stages.oip.result import NEVER, RISING

SEES_ALL = ("sees all", "A node sees the whole picture.")
NOT_KNOWN = "field not known"


@dataclass(frozen=True)
class LayerPicture:
    """An OIP of another convolution, with its score, and that as a multiple of the data's maximum."""

    picture: Picture
    score: str
    warnings: tuple[Rule, ...]


@dataclass(frozen=True)
class LayerPage:
    """The page of a layer.

    address: behind the #; sees: the receptive field in two or three words, told: in a sentence; here: whether the atlas
    is one of this layer.
    """

    name: str
    address: str
    kind: str
    shape: str
    sees: str
    told: str
    weights: str
    pictures: list[LayerPicture]
    here: bool

    @property
    def warned(self) -> list[tuple[Rule, int]]:
        """Return the warnings of its pictures, each with the number of pictures."""
        given = Counter(rule for picture in self.pictures for rule in picture.warnings)
        return [(rule, given[rule]) for rule in RULES if given[rule]]


def layer_pages(source: Source, gallery: Gallery) -> list[LayerPage]:
    """Make a page for every layer of the network, in its order."""
    atlas = source.atlas
    pages = []
    for number, name in enumerate(atlas.layers.tolist()):
        sees, told = _receptive_field(atlas.receptive_fields[number].tolist(), source.sides)
        shape = str(atlas.layer_shapes[number])
        if sees == NOT_KNOWN and shape.isdigit():
            # a unit of a row
            sees, told = SEES_ALL
        here = name == source.oips.layer
        pages.append(
            LayerPage(
                name=name,
                address="maps" if here else f"layer-{quote(name, safe='')}",
                kind=_crosses(str(atlas.layer_kinds[number])),
                shape=_crosses(shape),
                sees=sees,
                told=told,
                weights=counted(int(atlas.layer_weights[number]), "weight", "weights"),
                pictures=_pictures(source, number, name, gallery),
                here=here,
            )
        )
    return pages


def _crosses(words: str) -> str:
    """Return "26 × 26 × 32" for "26 x 26 x 32"."""
    return words.replace(" x ", " × ")


def _receptive_field(field: list[int], picture: tuple[int, int]) -> tuple[str, str]:
    """Return it in two or three words, and in a sentence.

    Args:
        field: (side, pixels from one node to the next), or (height, width, the same downwards, the same across).
        picture: (height, width) in pixels.
    """
    both = field if len(field) == 4 else [field[0], min(field[0], picture[1]), field[1], field[1]]
    height, width, down, across = both
    if min(height, width) < 0:
        return NOT_KNOWN, "How many pixels a node sees is not known."
    if height >= picture[0] and max(down, across) <= 0 and (len(field) == 2 or width >= picture[1]):
        return SEES_ALL
    sees = f"sees {height} × {width}"
    if max(down, across) <= 0:
        return sees, f"The only node of a map sees {height} × {width} pixels of the picture."
    apart = counted(down, "pixel", "pixels")
    if down != across:
        apart = f"{apart} downwards and {counted(across, 'pixel', 'pixels')} across"
    return sees, (
        f"A node sees {height} × {width} pixels of the picture; nodes that are neighbours see "
        f"{'squares' if height == width else 'rectangles'} {apart} apart."
    )


def _pictures(source: Source, number: int, layer: str, gallery: Gallery) -> list[LayerPicture]:
    atlas, pictures = source.atlas, []
    for row, at in enumerate(atlas.elsewhere_layer.tolist()):
        if at == number:
            index = int(atlas.elsewhere_map[row])
            activation, maximum = float(atlas.elsewhere_activation[row]), float(atlas.elsewhere_maximum[row])
            relative = relative_score(activation, maximum)
            pictures.append(
                LayerPicture(
                    Picture(
                        gallery.image(f"elsewhere-{number}-{index}", atlas.elsewhere_images[row], SMALL_SIDE),
                        f"OIP of map {index} of {layer}",
                        f"map {index}",
                        known(relative, NO_MAXIMUM, times),
                    ),
                    known(activation, "it is not a number", plain).text,
                    warnings_for(_evidence(activation, maximum, relative)),
                )
            )
    return pictures


def _evidence(activation: float, maximum: float, relative: float) -> Evidence:
    """Return the evidence on an OIP of another layer, of which only the scores are known."""
    return Evidence(
        verdict=RISING if activation > 0 else NEVER,
        fires_on_no_image=maximum <= 0,
        relative=relative,
        early_similarity=(),
        early_others=(),
        agreement=math.nan,
        preferred=-1,
        predicted=-1,
        selectivity=math.nan,
    )

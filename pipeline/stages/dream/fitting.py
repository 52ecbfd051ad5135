"""The checks that a photo is large enough, and has the tiles that are named: before anything is computed."""

from collections.abc import Sequence

from pipeline.core.geometry import ReceptiveField, octave_shapes
from pipeline.core.tiles import Tiling, largest_tile, tiling
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import DreamMethod
from pipeline.settings.ranges import choice, no_repeats, one_or_each
from pipeline.stages.dream.settings import DreamConfig

# Pixels per side: below that a tile has nothing to carve.
SMALLEST_TILE = 4


def check_dream(
    config: DreamConfig, field: ReceptiveField | None, shape: tuple[int, int], like: tuple[int, int] = (1, 1)
) -> None:
    """Check the settings of one dream against each other and against the size of its photo.

    Args:
        field: of config.layer, None if it has none; shape: (height, width) of the photo; like: see `tilings_of`.
    Raises:
        InputError: octaves of a CNN that cannot be slid over a picture, an octave that the layer cannot see, a level
            with too small tiles, a tile that is not there, maps that are not one for all or one for each level.
    """
    if config.method is DreamMethod.octaves:
        no_repeats("dream.map_indices", config.map_indices or [])
        _check_octaves(config, slid(field), shape)
        return
    tilings_of(config, shape, like)
    check_maps(config)


def slid(field: ReceptiveField | None) -> ReceptiveField:
    """Return what a position of a layer sees, as it is.

    Raises:
        InputError: there is no such thing: the CNN cannot be slid over a picture.
    """
    if field is None:
        takes = "carving with this CNN; octaves need a chain of convolutions and pools up to dream.layer"
        raise InputError.at("dream.method", takes=takes, got="octaves")
    return field


def check_references(config: DreamConfig, field: ReceptiveField | None, convolutions: Sequence[str]) -> None:
    """Raise an InputError if tiles are to be drawn to training images, and the CNN has no layers to compare them in.

    Args:
        field: of config.layer, None if it has none.
        convolutions: the names of all that the CNN has, in order.
    """
    if config.faithful.references == 0:
        return
    choice("dream.layer", config.layer, convolutions[1:], "a convolution behind the first, with references")
    if field is None:
        takes = "0 with this CNN; else a chain of unpadded convolutions and pools up to dream.layer"
        raise InputError.at("dream.faithful.references", takes=takes, got=config.faithful.references)


def check_maps(config: DreamConfig) -> None:
    """Raise an InputError if carving is not told one map for all levels, or one for each, or how to find them."""
    if config.auto_maps is None and config.tile_maps is None:
        if config.map_indices is None:
            takes = "maps; null, for all of the layer, only with dream.auto_maps, octaves or on a sheet by maps"
            raise InputError.at("dream.map_indices", takes=takes, got="null")
        one_or_each("dream.map_indices", config.map_indices, config.levels, "dream.levels")


def tilings_of(config: DreamConfig, shape: tuple[int, int], like: tuple[int, int] = (1, 1)) -> list[Tiling]:
    """Return the tiling of every level.

    Args:
        shape: (height, width) of the photo.
        like: (height, width) of the CNN's images, or of others in these proportions.
    Raises:
        InputError: a level with too small tiles, a tile that is not there, another number of maps than of tiles.
    """
    size = f"a photo of {shape[1]} x {shape[0]}"
    shorter = min(largest_tile(*shape, like))
    tilings = []
    for level, per_side in enumerate(config.levels):
        if shorter < SMALLEST_TILE:
            takes = f"at least {SMALLEST_TILE} pixels per side of the photo"
            if like[0] != like[1]:
                takes += f", and of the largest part of it that is as {like[1]} x {like[0]}"
            raise InputError.at("dream.size", takes=takes, got=f"{shape[1]} x {shape[0]}")
        if shorter < SMALLEST_TILE * per_side:
            takes = f"at most {shorter // SMALLEST_TILE} tiles per side of {size}"
            raise InputError.at("dream.levels", takes=takes, got=per_side)
        tiles = tiling(*shape, per_side, config.overlap, like)
        worked_on = len(tiles)
        if config.tiles is not None:
            worked_on = len(config.tiles[level])
            for tile in config.tiles[level]:
                if tile >= len(tiles):
                    takes = f"tiles 0 to {len(tiles) - 1} for {per_side} per side of {size}"
                    raise InputError.at("dream.tiles", takes=takes, got=tile)
        if config.tile_maps is not None and len(config.tile_maps[level]) not in (1, worked_on):
            takes = f"one map, or one for each of the {worked_on} tiles ({per_side} per side of {size}, overlapping by "
            got = f"{len(config.tile_maps[level])} maps"
            raise InputError.at("dream.tile_maps", takes=f"{takes}{config.overlap})", got=got)
        tilings.append(tiles)
    return tilings


def _check_octaves(config: DreamConfig, field: ReceptiveField, shape: tuple[int, int]) -> None:
    least = field.smallest_picture
    octaves = config.octaves

    def smallest(count: int) -> int:
        return min(octave_shapes(*shape, count, octaves.scale)[0])

    if smallest(octaves.count) >= least:
        return
    needs = f"{least} pixels per side ({config.layer} sees {field.side}, and shifts by less than {field.stride})"
    if smallest(1) < least:
        raise InputError.at("dream.size", takes=f"a photo of at least {needs}", got=f"{shape[1]} x {shape[0]}")
    most = max(count for count in range(1, octaves.count) if smallest(count) >= least)
    takes = f"at most {most} with dream.octaves.scale={octaves.scale} and a photo of {shape[1]} x {shape[0]}"
    raise InputError.at("dream.octaves.count", takes=f"{takes}: the smallest needs {needs}", got=octaves.count)

"""One dream in several ways: for every map, level or strength."""

import dataclasses
from typing import NamedTuple

from pipeline.settings.choices import Compare, DreamMethod
from pipeline.stages.dream.settings import DreamConfig


class Variant(NamedTuple):
    """A dream among others.

    name: what it does differently; step: its map index, or its number; config: its settings.
    """

    name: str
    step: int
    config: DreamConfig


def variants_of(config: DreamConfig, maps: int) -> list[Variant]:
    """Return the dreams that `config.compare.by` asks for.

    maps: each of map_indices by itself, for all levels or octaves. levels: each level by itself, then all together;
    of octaves the largest one, the largest two, and so on. strengths: each of `config.compare.strengths`.

    Args:
        maps: how many the layer has.
    """
    match config.compare.by:
        case Compare.maps:
            indices = range(maps) if config.map_indices is None else config.map_indices
            return [_of_map(config, index) for index in indices]
        case Compare.levels if config.method is DreamMethod.carving:
            return _of_levels(config)
        case Compare.levels:
            return [_of_octaves(config, count) for count in range(1, config.octaves.count + 1)]
        case Compare.strengths:
            strengths = enumerate(config.compare.strengths)
            return [
                Variant(f"strength {strength:g}", number, dataclasses.replace(config, strength=[strength]))
                for number, strength in strengths
            ]


def _of_map(config: DreamConfig, index: int) -> Variant:
    own = dataclasses.replace(config, map_indices=[index], tile_maps=None, auto_maps=None)
    return Variant("layer" if index == -1 else f"map {index}", index, own)


def _of_levels(config: DreamConfig) -> list[Variant]:
    alone = []
    for number, per_side in enumerate(config.levels):
        one = slice(number, number + 1)
        own = dataclasses.replace(
            config,
            levels=[per_side],
            strength=config.strengths()[one],
            tiles=None if config.tiles is None else config.tiles[one],
            tile_maps=None if config.tile_maps is None else config.tile_maps[one],
            map_indices=_own_maps(config, one),
        )
        which = f", level {number + 1}" if config.levels.count(per_side) > 1 else ""
        alone.append(Variant(f"{per_side} per side{which}", number, own))
    if len(alone) == 1:
        return alone
    return [*alone, Variant(f"levels {', '.join(map(str, config.levels))}", len(alone), config)]


def _own_maps(config: DreamConfig, one: slice) -> list[int] | None:
    """Return the maps of some levels: a list with a map for each level is cut, any other is meant for all of them."""
    indices = config.map_indices
    per_level = config.auto_maps is None and indices is not None and len(indices) == len(config.levels)
    return indices[one] if indices is not None and per_level else indices


def _of_octaves(config: DreamConfig, count: int) -> Variant:
    octaves = dataclasses.replace(config.octaves, count=count)
    own = dataclasses.replace(config, octaves=octaves, strength=config.strengths()[-count:])
    return Variant(f"{count} octave{'s' if count > 1 else ''}", count, own)

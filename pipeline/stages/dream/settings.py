"""Settings of a dream: which photo, by which method, towards what."""

from dataclasses import dataclass

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Compare, Correction, DreamMethod, Enlargement, Fit, Objective, StepSizeSchedule
from pipeline.settings.ranges import LARGEST_STEP, no_repeats, not_blank, not_empty, number
from pipeline.settings.shared import ContrastConfig, ConvergenceConfig, OctavesConfig


@dataclass(kw_only=True)
class ZoomConfig:
    frames: int
    factor: float
    steps: int
    size: int

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.frames", self.frames, least=0, most=600)
        number(f"{key}.factor", self.factor, least=1.001, most=1.5)
        number(f"{key}.steps", self.steps, least=1)
        number(f"{key}.size", self.size, least=56, most=1024)


@dataclass(kw_only=True)
class CompareConfig:
    by: Compare
    strengths: list[float]

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        not_empty(f"{key}.strengths", self.strengths, "number")
        no_repeats(f"{key}.strengths", self.strengths)
        for strength in self.strengths:
            number(f"{key}.strengths", strength, least=0, most=10)


@dataclass(kw_only=True)
class DreamConfig:
    photo: str
    mask: str | None
    fit: Fit
    size: int | None
    color: bool
    method: DreamMethod
    layer: str
    objective: Objective
    map_indices: list[int] | None
    levels: list[int]
    overlap: float
    tiles: list[list[int]] | None
    tile_maps: list[list[int]] | None
    auto_maps: int | None
    correction: Correction
    enlargement: Enlargement
    octaves: OctavesConfig
    turns: int
    steps: int
    step_size: float
    step_size_schedule: StepSizeSchedule
    strength: list[float]
    convergence: ConvergenceConfig
    contrast: ContrastConfig
    frame_size: int
    zoom: ZoomConfig
    compare: CompareConfig

    def __post_init__(self) -> None:
        if not self.photo:
            raise InputError.at("dream.photo", takes="flower, china or the path of a picture", got="nothing")
        not_blank("dream.mask", self.mask)
        if self.size is not None:
            number("dream.size", self.size, least=28, most=8192)
        number("dream.turns", self.turns, least=1)
        number("dream.steps", self.steps, least=1)
        number("dream.step_size", self.step_size, least=0, most=LARGEST_STEP)
        self.octaves.check("dream.octaves")
        self.convergence.check("dream.convergence")
        self.contrast.check("dream.contrast")
        number("dream.frame_size", self.frame_size, least=56, most=4096)
        self.zoom.check("dream.zoom")
        self.compare.check("dream.compare")
        if self.method is DreamMethod.octaves:
            self._check_nothing_of_tiles()
        self._check_levels()
        self._check_maps()

    def rounds(self) -> int:
        """How many levels or octaves there are."""
        return len(self.levels) if self.method is DreamMethod.carving else self.octaves.count

    def strengths(self) -> list[float]:
        """The strength of every level or octave."""
        return self.strength * (self.rounds() if len(self.strength) == 1 else 1)

    def _check_levels(self) -> None:
        not_empty("dream.levels", self.levels, "number of tiles per side")
        for tiles_per_side in self.levels:
            number("dream.levels", tiles_per_side, least=1)
        number("dream.overlap", self.overlap, least=0, most=0.5)
        not_empty("dream.strength", self.strength, "number")
        for strength in self.strength:
            number("dream.strength", strength, least=0, most=10)
        rounds, name = self.rounds(), self.method.value
        if len(self.strength) not in (1, rounds):
            what = "levels" if self.method is DreamMethod.carving else "octaves"
            takes = f"one number for all, or one for each of the {rounds} {what} with dream.method={name}"
            raise InputError.at("dream.strength", takes=takes, got=f"{len(self.strength)} numbers: {self.strength}")
        if self.tiles is not None:
            if self.overlap > 0:
                takes = "0 with dream.tiles, which numbers the tiles of a plain grid"
                raise InputError.at("dream.overlap", takes=takes, got=self.overlap)
            if len(self.tiles) != len(self.levels):
                takes = f"null, or a list of tiles for each of the {len(self.levels)} dream.levels"
                raise InputError.at("dream.tiles", takes=takes, got=self.tiles)
            for tiles in self.tiles:
                not_empty("dream.tiles", tiles, "tile per level")
                no_repeats("dream.tiles", tiles)
                for tile in tiles:
                    number("dream.tiles", tile, least=0)

    def _check_maps(self) -> None:
        if self.auto_maps is not None:
            number("dream.auto_maps", self.auto_maps, least=1)
            least = max(self.auto_maps, 2)
            if self.map_indices is not None and len(self.map_indices) < least:
                takes = f"at least {least} maps to choose from with dream.auto_maps, or null for all of the layer"
                raise InputError.at("dream.map_indices", takes=takes, got=self.map_indices)
            if self.tile_maps is not None:
                takes = "null with dream.auto_maps, which chooses the maps of every tile"
                raise InputError.at("dream.tile_maps", takes=takes, got=self.tile_maps)
        if self.map_indices is not None:
            not_empty("dream.map_indices", self.map_indices, "map")
            if self.auto_maps is not None:
                no_repeats("dream.map_indices", self.map_indices)
                if -1 in self.map_indices:
                    takes = "single maps with dream.auto_maps, which chooses among them"
                    raise InputError.at("dream.map_indices", takes=takes, got=-1)
        if self.tile_maps is not None:
            if len(self.tile_maps) != len(self.levels):
                takes = f"null, or a list of maps for each of the {len(self.levels)} dream.levels"
                raise InputError.at("dream.tile_maps", takes=takes, got=self.tile_maps)
            for maps in self.tile_maps:
                not_empty("dream.tile_maps", maps, "map per level")

    def _check_nothing_of_tiles(self) -> None:
        """A setting that only carving reads was meant for carving."""
        for name in ("tiles", "tile_maps", "auto_maps"):
            value = getattr(self, name)
            if value is not None:
                takes = "null with dream.method=octaves, which knows no tiles"
                raise InputError.at(f"dream.{name}", takes=takes, got=value)
        if self.correction is not Correction.original:
            takes = "original with dream.method=octaves"
            raise InputError.at("dream.correction", takes=takes, got=self.correction.value)

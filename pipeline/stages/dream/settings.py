"""Settings of a dream: which photo, by which method, towards what."""

from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import (
    Compare,
    Correction,
    DreamMethod,
    Enlargement,
    Fit,
    Ink,
    Objective,
    StepSizeSchedule,
)
from pipeline.settings.ranges import (
    BY_LAYER,
    LARGEST_STEP,
    Entries,
    FilePath,
    Lists,
    Number,
    check_fields,
    no_repeats,
    rule,
)
from pipeline.settings.shared import ContrastConfig, ConvergenceConfig, OctavesConfig


@dataclass(kw_only=True)
class ZoomConfig:
    frames: int = field(metadata=rule(Number(least=0, most=600)))
    factor: float = field(metadata=rule(Number(least=1.001, most=1.5)))
    steps: int = field(metadata=rule(Number(least=1)))
    size: int = field(metadata=rule(Number(least=56, most=1024)))


@dataclass(kw_only=True)
class FaithfulConfig:
    references: int = field(metadata=rule(Number(least=0, most=64)))
    covariance: float = field(metadata=rule(Number(least=0, most=1)))
    least_contrast: float = field(metadata=rule(Number(least=0.01, most=10)))
    most_contrast: float = field(metadata=rule(Number(least=0.01, most=10)))
    ink: Ink

    def __post_init__(self) -> None:
        check_fields("dream.faithful", self)
        if self.most_contrast < self.least_contrast:
            takes = f"at least dream.faithful.least_contrast={self.least_contrast}"
            raise InputError.at("dream.faithful.most_contrast", takes=takes, got=self.most_contrast)


@dataclass(kw_only=True)
class CompareConfig:
    by: Compare
    strengths: list[float] = field(metadata=rule(Entries(Number(least=0, most=10), filled="number", once=True)))


@dataclass(kw_only=True)
class DreamConfig:
    photo: str
    mask: str | None = field(metadata=rule(FilePath()))
    fit: Fit
    size: int | None = field(metadata=rule(Number(least=28, most=8192)))
    color: bool
    method: DreamMethod
    layer: str
    objective: Objective
    map_indices: list[int] | None = field(metadata=rule(Entries(Number(unbounded=BY_LAYER), filled="map")))
    levels: list[int] = field(metadata=rule(Entries(Number(least=1), filled="number of tiles per side")))
    overlap: float = field(metadata=rule(Number(least=0, most=0.5)))
    tiles: list[list[int]] | None = field(
        metadata=rule(Lists(Entries(Number(least=0), filled="tile per level", once=True)))
    )
    tile_maps: list[list[int]] | None = field(
        metadata=rule(Lists(Entries(Number(unbounded=BY_LAYER), filled="map per level")))
    )
    auto_maps: int | None = field(metadata=rule(Number(least=1)))
    correction: Correction
    enlargement: Enlargement
    octaves: OctavesConfig
    faithful: FaithfulConfig
    turns: int = field(metadata=rule(Number(least=1)))
    steps: int = field(metadata=rule(Number(least=1)))
    step_size: float = field(metadata=rule(Number(least=0, most=LARGEST_STEP)))
    step_size_schedule: StepSizeSchedule
    strength: list[float] = field(metadata=rule(Entries(Number(least=0, most=10), filled="number")))
    convergence: ConvergenceConfig
    contrast: ContrastConfig
    frame_size: int = field(metadata=rule(Number(least=56, most=4096)))
    zoom: ZoomConfig
    compare: CompareConfig

    def __post_init__(self) -> None:
        if not self.photo:
            raise InputError.at("dream.photo", takes="flower, china or the path of a picture", got="nothing")
        check_fields("dream", self, "mask", "size", "turns", "steps", "step_size", "octaves", "convergence", "contrast")
        check_fields("dream", self, "frame_size", "zoom", "compare")
        if self.method is DreamMethod.octaves:
            self._check_nothing_of_tiles()
        if self.faithful.references > 0 and self.objective is not Objective.pre_activation:
            takes = "pre_activation with dream.faithful.references"
            raise InputError.at("dream.objective", takes=takes, got=self.objective.value)
        self._check_levels()
        self._check_maps()
        check_fields("dream", self)

    def rounds(self) -> int:
        """Return how many levels or octaves there are."""
        return len(self.levels) if self.method is DreamMethod.carving else self.octaves.count

    def strengths(self) -> list[float]:
        """Return the strength of every level or octave."""
        return self.strength * (self.rounds() if len(self.strength) == 1 else 1)

    def _check_levels(self) -> None:
        check_fields("dream", self, "levels", "overlap", "strength")
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
        check_fields("dream", self, "tiles")

    def _check_maps(self) -> None:
        check_fields("dream", self, "auto_maps")
        if self.auto_maps is not None:
            least = max(self.auto_maps, 2)
            if self.map_indices is not None and len(self.map_indices) < least:
                takes = f"at least {least} maps to choose from with dream.auto_maps, or null for all of the layer"
                raise InputError.at("dream.map_indices", takes=takes, got=self.map_indices)
            if self.tile_maps is not None:
                takes = "null with dream.auto_maps, which chooses the maps of every tile"
                raise InputError.at("dream.tile_maps", takes=takes, got=self.tile_maps)
        check_fields("dream", self, "map_indices")
        if self.map_indices is not None and self.auto_maps is not None:
            no_repeats("dream.map_indices", self.map_indices)
            if -1 in self.map_indices:
                takes = "single maps with dream.auto_maps, which chooses among them"
                raise InputError.at("dream.map_indices", takes=takes, got=-1)
        if self.tile_maps is not None and len(self.tile_maps) != len(self.levels):
            takes = f"null, or a list of maps for each of the {len(self.levels)} dream.levels"
            raise InputError.at("dream.tile_maps", takes=takes, got=self.tile_maps)

    def _check_nothing_of_tiles(self) -> None:
        """Refuse a setting that only carving reads: it was meant for carving."""
        for name in ("tiles", "tile_maps", "auto_maps"):
            value = getattr(self, name)
            if value is not None:
                takes = "null with dream.method=octaves, which knows no tiles"
                raise InputError.at(f"dream.{name}", takes=takes, got=value)
        if self.faithful.references > 0:
            takes = "0 with dream.method=octaves, which knows no tiles"
            raise InputError.at("dream.faithful.references", takes=takes, got=self.faithful.references)
        if self.correction is not Correction.original:
            takes = "original with dream.method=octaves"
            raise InputError.at("dream.correction", takes=takes, got=self.correction.value)

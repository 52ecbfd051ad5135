"""Settings of what is done with a trained CNN: activations, start noise, OIPs, dreams."""

from dataclasses import dataclass

from pipeline.config.checks import LARGEST_STEP, no_repeats, not_empty, number, one_or_each
from pipeline.config.choices import ColorMap, Fit, MapScaling, Objective, Split, StepSizeSchedule
from pipeline.errors import InputError


@dataclass(kw_only=True)
class ConvergenceConfig:
    criterion: float
    after: int
    patience: int
    stop: bool

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.criterion", self.criterion, least=0)
        number(f"{key}.after", self.after, least=0)
        number(f"{key}.patience", self.patience, least=1)


@dataclass(kw_only=True)
class ContrastConfig:
    centre: float
    factor: float

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.centre", self.centre, least=0, most=1)
        number(f"{key}.factor", self.factor, above=0)


@dataclass(kw_only=True)
class ActivationsConfig:
    layers: list[str]
    split: Split
    image_indices: list[int] | None
    columns: int
    color_map: ColorMap
    scaling: MapScaling

    def __post_init__(self) -> None:
        not_empty("activations.layers", self.layers, "layer")
        no_repeats("activations.layers", self.layers)
        if self.image_indices is not None:
            not_empty("activations.image_indices", self.image_indices, "index, or null for one image per class")
            no_repeats("activations.image_indices", self.image_indices)
            for index in self.image_indices:
                number("activations.image_indices", index, least=0)
        number("activations.columns", self.columns, least=1)


@dataclass(kw_only=True)
class NoiseConfig:
    seed: int
    wavelengths: list[int]
    amplitudes: list[float]

    def __post_init__(self) -> None:
        not_empty("noise.wavelengths", self.wavelengths, "number of cells per side")
        no_repeats("noise.wavelengths", self.wavelengths)
        for cells in self.wavelengths:
            number("noise.wavelengths", cells, least=2)
        not_empty("noise.amplitudes", self.amplitudes, "number")
        one_or_each("noise.amplitudes", self.amplitudes, self.wavelengths, "noise.wavelengths")
        for amplitude in self.amplitudes:
            number("noise.amplitudes", amplitude, least=-LARGEST_STEP, most=LARGEST_STEP)
        if not any(self.amplitudes):
            raise InputError.at("noise.amplitudes", takes="at least one that is not 0", got=self.amplitudes)


@dataclass(kw_only=True)
class OipConfig:
    layer: str
    map_indices: list[int] | None
    objective: Objective
    steps: int
    step_size: float
    step_size_schedule: StepSizeSchedule
    convergence: ConvergenceConfig
    zero_steps: int
    restarts: int
    snapshots: int
    batch_size: int
    contrast: ContrastConfig

    def __post_init__(self) -> None:
        if self.map_indices is not None:
            not_empty("oip.map_indices", self.map_indices, "map, or null for all of the layer")
            no_repeats("oip.map_indices", self.map_indices)
        number("oip.steps", self.steps, least=1)
        number("oip.step_size", self.step_size, above=0, most=LARGEST_STEP)
        self.convergence.check("oip.convergence")
        number("oip.zero_steps", self.zero_steps, least=1)
        number("oip.restarts", self.restarts, least=0)
        number("oip.snapshots", self.snapshots, least=1, most=30)
        number("oip.batch_size", self.batch_size, least=1)
        self.contrast.check("oip.contrast")


@dataclass(kw_only=True)
class DreamConfig:
    photo: str
    fit: Fit
    size: int
    layer: str
    objective: Objective
    levels: list[int]
    map_indices: list[int]
    tiles: list[list[int]] | None
    turns: int
    steps: int
    step_size: float
    convergence: ConvergenceConfig
    contrast: ContrastConfig

    def __post_init__(self) -> None:
        if not self.photo:
            raise InputError.at("dream.photo", takes="flower, china or the path of a picture", got="nothing")
        number("dream.size", self.size, least=28, most=8192)
        not_empty("dream.levels", self.levels, "number of tiles per side")
        for tiles_per_side in self.levels:
            number("dream.levels", tiles_per_side, least=1)
            if self.size % tiles_per_side:
                takes = f"numbers of tiles per side that divide dream.size = {self.size}"
                raise InputError.at("dream.levels", takes=takes, got=tiles_per_side)
        not_empty("dream.map_indices", self.map_indices, "map")
        one_or_each("dream.map_indices", self.map_indices, self.levels, "dream.levels")
        if self.tiles is not None:
            if len(self.tiles) != len(self.levels):
                takes = f"null, or a list of tiles for each of the {len(self.levels)} dream.levels"
                raise InputError.at("dream.tiles", takes=takes, got=self.tiles)
            for tiles, tiles_per_side in zip(self.tiles, self.levels, strict=True):
                not_empty("dream.tiles", tiles, "tile per level")
                no_repeats("dream.tiles", tiles)
                for tile in tiles:
                    number("dream.tiles", tile, least=0, most=tiles_per_side**2 - 1)
        number("dream.turns", self.turns, least=1)
        number("dream.steps", self.steps, least=1)
        number("dream.step_size", self.step_size, least=0, most=LARGEST_STEP)
        self.convergence.check("dream.convergence")
        self.contrast.check("dream.contrast")

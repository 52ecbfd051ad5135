"""Settings of what is done with a trained CNN: activations, start noise, OIPs."""

from dataclasses import dataclass

from pipeline.config.checks import LARGEST_STEP, no_repeats, not_blank, not_empty, number, one_for_each, one_or_each
from pipeline.config.choices import (
    ColorMap,
    MapScaling,
    Objective,
    Spectrum,
    Split,
    StartImage,
    StepSizeSchedule,
    Strategy,
)
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
    kind: StartImage
    wavelengths: list[int]
    amplitudes: list[float]
    decay: float
    picture: str | None
    label: int | None
    blend: float

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
        number("noise.decay", self.decay, least=0, most=10)
        not_blank("noise.picture", self.picture)
        if self.kind is StartImage.picture and self.picture is None:
            raise InputError.at("noise.picture", takes="the path of a picture with noise.kind=picture", got="null")
        if self.label is not None:
            number("noise.label", self.label, least=0)
        number("noise.blend", self.blend, least=0, most=1)
        self._check_kind()

    def _check_kind(self) -> None:
        """A setting that the kind of start image does not read was meant for another kind."""
        if self.picture is not None and self.kind is not StartImage.picture:
            takes = f"null with noise.kind={self.kind.value} (noise=picture starts from a picture)"
            raise InputError.at("noise.picture", takes=takes, got=self.picture)
        if self.label is not None and self.kind is not StartImage.digit:
            takes = f"null with noise.kind={self.kind.value} (noise=digit starts from real images)"
            raise InputError.at("noise.label", takes=takes, got=self.label)
        if self.blend > 0 and self.kind not in (StartImage.picture, StartImage.digit):
            takes = f"0 with noise.kind={self.kind.value} (waves are laid over a picture or digit)"
            raise InputError.at("noise.blend", takes=takes, got=self.blend)

    @property
    def described(self) -> str:
        """What start images are made of, in words: the wavelengths, or the kind of another start."""
        if self.kind is StartImage.waves:
            return f"wavelengths {', '.join(map(str, self.wavelengths))}"
        return self.kind.value

    def waves(self) -> list[tuple[int, float]]:
        """(cells per side, amplitude), the longest waves first."""
        amplitudes = self.amplitudes * (len(self.wavelengths) if len(self.amplitudes) == 1 else 1)
        return sorted(zip(self.wavelengths, amplitudes, strict=True))

    def is_random(self) -> bool:
        """Whether another start of the same map is another image."""
        return self.blend > 0 or self.kind is not StartImage.picture


@dataclass(kw_only=True)
class PrecursorConfig:
    starts: int
    steps: int


@dataclass(kw_only=True)
class JitterConfig:
    shift: float
    rotation: float
    scale: float


@dataclass(kw_only=True)
class QualityConfig:
    total_variation: float
    l2: float
    frequency_decay: float
    diversity: float
    spectrum: Spectrum
    jitter: JitterConfig

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.total_variation", self.total_variation, least=0, most=10)
        number(f"{key}.l2", self.l2, least=0, most=10)
        number(f"{key}.frequency_decay", self.frequency_decay, least=0, most=10)
        number(f"{key}.diversity", self.diversity, least=0, most=10)
        # more would make another digit of it: a 6 turned far enough is a 9
        number(f"{key}.jitter.shift", self.jitter.shift, least=0, most=2)
        number(f"{key}.jitter.rotation", self.jitter.rotation, least=0, most=5)
        number(f"{key}.jitter.scale", self.jitter.scale, least=0, most=0.05)


@dataclass(kw_only=True)
class OipConfig:
    layer: str
    map_indices: list[int] | None
    position: list[int] | None
    direction: list[float] | None
    objective: Objective
    strategy: Strategy
    steps: int
    stage_steps: list[int]
    precursor: PrecursorConfig
    starts: int
    step_size: float
    step_size_schedule: StepSizeSchedule
    convergence: ConvergenceConfig
    zero_steps: int
    restarts: int
    quality: QualityConfig
    snapshots: int
    batch_size: int
    xla: bool | None
    contrast: ContrastConfig

    def __post_init__(self) -> None:
        self._check_target()
        not_empty("oip.stage_steps", self.stage_steps, "number of steps")
        for steps in self.stage_steps:
            number("oip.stage_steps", steps, least=1)
        number("oip.steps", self.steps, least=1)
        number("oip.precursor.starts", self.precursor.starts, least=1)
        number("oip.precursor.steps", self.precursor.steps, least=1)
        number("oip.starts", self.starts, least=1)
        if self.strategy is Strategy.precursor and self.precursor.starts < self.starts:
            takes = f"a whole number of at least oip.starts = {self.starts}"
            raise InputError.at("oip.precursor.starts", takes=takes, got=self.precursor.starts)
        number("oip.step_size", self.step_size, above=0, most=LARGEST_STEP)
        self.convergence.check("oip.convergence")
        number("oip.zero_steps", self.zero_steps, least=1)
        number("oip.restarts", self.restarts, least=0)
        self.quality.check("oip.quality")
        number("oip.snapshots", self.snapshots, least=1, most=30)
        number("oip.batch_size", self.batch_size, least=1)
        self._check_diversity()
        self.contrast.check("oip.contrast")

    def _check_target(self) -> None:
        if self.map_indices is not None:
            not_empty("oip.map_indices", self.map_indices, "map, or null for all of the layer")
            no_repeats("oip.map_indices", self.map_indices)
        if self.direction is not None:
            if self.map_indices is None or -1 in self.map_indices:
                takes = "the maps that oip.direction mixes"
                raise InputError.at("oip.map_indices", takes=takes, got="null" if self.map_indices is None else -1)
            one_for_each("oip.direction", self.direction, self.map_indices, "oip.map_indices")
            for weight in self.direction:
                number("oip.direction", weight, least=-LARGEST_STEP, most=LARGEST_STEP)
            if not any(self.direction):
                raise InputError.at("oip.direction", takes="at least one weight that is not 0", got=self.direction)
        if self.position is not None:
            if len(self.position) != 2:
                takes = "[row, column] of a place in the map, or null for the mean over the map"
                raise InputError.at("oip.position", takes=takes, got=self.position)
            for place in self.position:
                number("oip.position", place, least=0)

    def _check_diversity(self) -> None:
        if self.quality.diversity == 0:
            return
        if self.starts == 1:
            takes = "0 with oip.starts=1: it keeps several pictures of one map apart"
            raise InputError.at("oip.quality.diversity", takes=takes, got=self.quality.diversity)
        if self.batch_size < self.starts:
            takes = f"at least oip.starts = {self.starts} with oip.quality.diversity"
            raise InputError.at("oip.batch_size", takes=takes, got=self.batch_size)

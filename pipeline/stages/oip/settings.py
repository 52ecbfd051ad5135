"""Settings of the OIPs."""

from dataclasses import dataclass

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Objective, Spectrum, StepSizeSchedule, Strategy
from pipeline.settings.ranges import LARGEST_STEP, no_repeats, not_empty, number, one_for_each
from pipeline.settings.shared import ContrastConfig, ConvergenceConfig


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

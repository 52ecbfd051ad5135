"""Settings of the OIPs."""

from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import (
    Colour,
    Objective,
    OipPictures,
    PixelRange,
    Spectrum,
    StepSizeSchedule,
    Strategy,
)
from pipeline.settings.ranges import BY_LAYER, LARGEST_STEP, Entries, Number, check_fields, rule
from pipeline.settings.shared import ContrastConfig, ConvergenceConfig
from pipeline.stages.oip.faithful_settings import FaithfulConfig


@dataclass(kw_only=True)
class PrecursorConfig:
    starts: int = field(metadata=rule(Number(least=1)))
    steps: int = field(metadata=rule(Number(least=1)))


@dataclass(kw_only=True)
class JitterConfig:
    # more would make another digit of it: a 6 turned far enough is a 9
    shift: float = field(metadata=rule(Number(least=0, most=2)))
    rotation: float = field(metadata=rule(Number(least=0, most=5)))
    scale: float = field(metadata=rule(Number(least=0, most=0.05)))


@dataclass(kw_only=True)
class QualityConfig:
    total_variation: float = field(metadata=rule(Number(least=0, most=10)))
    l2: float = field(metadata=rule(Number(least=0, most=10)))
    frequency_decay: float = field(metadata=rule(Number(least=0, most=10)))
    diversity: float = field(metadata=rule(Number(least=0, most=10)))
    spectrum: Spectrum
    colour: Colour
    jitter: JitterConfig


@dataclass(kw_only=True)
class OipConfig:
    layer: str
    map_indices: list[int] | None = field(
        metadata=rule(Entries(Number(unbounded=BY_LAYER), filled="map, or null for all of the layer", once=True))
    )
    position: list[int] | None = field(metadata=rule(Entries(Number(least=0))))
    direction: list[float] | None = field(
        metadata=rule(
            Entries(
                Number(least=-LARGEST_STEP, most=LARGEST_STEP),
                one_for_each="map_indices",
                nonzero="weight that is not 0",
            )
        )
    )
    objective: Objective
    strategy: Strategy
    steps: int = field(metadata=rule(Number(least=1)))
    stage_steps: list[int] = field(metadata=rule(Entries(Number(least=1), filled="number of steps")))
    precursor: PrecursorConfig
    starts: int = field(metadata=rule(Number(least=1)))
    step_size: float = field(metadata=rule(Number(above=0, most=LARGEST_STEP)))
    step_size_schedule: StepSizeSchedule
    convergence: ConvergenceConfig
    zero_steps: int = field(metadata=rule(Number(least=1)))
    restarts: int = field(metadata=rule(Number(least=0)))
    quality: QualityConfig
    faithful: FaithfulConfig
    snapshots: int = field(metadata=rule(Number(least=1, most=30)))
    batch_size: int = field(metadata=rule(Number(least=1)))
    xla: bool | None
    contrast: ContrastConfig
    pictures: OipPictures = OipPictures.all

    def __post_init__(self) -> None:
        self._check_target()
        check_fields("oip", self, "stage_steps", "steps", "precursor", "starts")
        if self.strategy is Strategy.precursor and self.precursor.starts < self.starts:
            takes = f"a whole number of at least oip.starts = {self.starts}"
            raise InputError.at("oip.precursor.starts", takes=takes, got=self.precursor.starts)
        names = ("step_size", "convergence", "zero_steps", "restarts", "quality", "snapshots", "batch_size")
        check_fields("oip", self, *names)
        self._check_diversity()
        if self.quality.spectrum is Spectrum.data and self.faithful.range is PixelRange.data:
            takes = "free with oip.quality.spectrum=data: a picture cannot keep both"
            raise InputError.at("oip.faithful.range", takes=takes, got=self.faithful.range.value)
        check_fields("oip", self)

    def _check_target(self) -> None:
        check_fields("oip", self, "map_indices")
        if self.direction is not None:
            if self.map_indices is None or -1 in self.map_indices:
                takes = "the maps that oip.direction mixes"
                raise InputError.at("oip.map_indices", takes=takes, got="null" if self.map_indices is None else -1)
            check_fields("oip", self, "direction")
        if self.position is not None and len(self.position) != 2:
            takes = "[row, column] of a place in the map, or null for the mean over the map"
            raise InputError.at("oip.position", takes=takes, got=self.position)
        check_fields("oip", self, "position")

    def _check_diversity(self) -> None:
        if self.quality.diversity == 0:
            return
        if self.starts == 1:
            takes = "0 with oip.starts=1: it keeps several pictures of one map apart"
            raise InputError.at("oip.quality.diversity", takes=takes, got=self.quality.diversity)
        if self.batch_size < self.starts:
            takes = f"at least oip.starts = {self.starts} with oip.quality.diversity"
            raise InputError.at("oip.batch_size", takes=takes, got=self.batch_size)

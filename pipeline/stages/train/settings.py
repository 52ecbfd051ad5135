"""Settings of the training."""

from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import LearningRateSchedule, Optimizer, Precision, Regularizer
from pipeline.settings.ranges import LARGEST_SEED, Entries, FilePath, Number, check_fields, rule


@dataclass(kw_only=True)
class OptimizerConfig:
    name: Optimizer
    momentum: float = field(metadata=rule(Number(least=0, most=1)))
    weight_decay: float = field(metadata=rule(Number(least=0)))
    averaging: float = field(default=0.0, metadata=rule(Number(least=0, most=0.999999)))


@dataclass(kw_only=True)
class LearningRateConfig:
    initial: float = field(metadata=rule(Number(above=0, most=1e3)))
    schedule: LearningRateSchedule
    rate: float = field(metadata=rule(Number(least=0)))
    decay_steps: int = field(metadata=rule(Number(least=1)))
    warm_up: int = field(default=0, metadata=rule(Number(least=0)))

    def __post_init__(self) -> None:
        # no other schedule has one
        if self.schedule is not LearningRateSchedule.cosine and self.warm_up != 0:
            takes = "0 where train.learning_rate.schedule is not cosine"
            raise InputError.at("train.learning_rate.warm_up", takes=takes, got=str(self.warm_up))


@dataclass(kw_only=True)
class RegularizerConfig:
    kind: Regularizer
    factor: float = field(metadata=rule(Number(least=0)))


@dataclass(kw_only=True)
class AugmentationConfig:
    rotation: float = field(metadata=rule(Number(least=0, most=180)))
    shift: float = field(metadata=rule(Number(least=0)))
    zoom: float = field(metadata=rule(Number(least=0, most=0.9)))
    shear: float = field(metadata=rule(Number(least=0, most=45)))
    elastic: float = field(default=0.0, metadata=rule(Number(least=0, most=64)))
    smoothness: float = field(default=4.0, metadata=rule(Number(least=0.5, most=64)))
    cut_out: int = field(default=0, metadata=rule(Number(least=0, most=512)))


@dataclass(kw_only=True)
class TrainConfig:
    seed: int = field(metadata=rule(Number(least=0, most=LARGEST_SEED, follows="seed")))
    epochs: int = field(metadata=rule(Number(least=1)))
    batch_size: int = field(metadata=rule(Number(least=1)))
    optimizer: OptimizerConfig
    learning_rate: LearningRateConfig
    regularizer: RegularizerConfig
    label_smoothing: float = field(default=0.0, metadata=rule(Number(least=0, most=0.99)))
    augmentation: AugmentationConfig
    precision: Precision = Precision.float32
    xla: bool = False
    initial_weights: str | None = field(metadata=rule(FilePath()))
    snapshots: list[int] = field(default_factory=list, metadata=rule(Entries(Number(least=0), once=True)))

    def __post_init__(self) -> None:
        check_fields("train", self, "initial_weights")
        check_fields("train", self)
        if 0 < self.epochs <= self.learning_rate.warm_up:
            takes = f"fewer epochs than the training has, {self.epochs}"
            raise InputError.at("train.learning_rate.warm_up", takes=takes, got=str(self.learning_rate.warm_up))
        if max(self.snapshots, default=0) > self.epochs:
            takes = f"epochs of the training, 0 (its begin) to {self.epochs}"
            raise InputError.at("train.snapshots", takes=takes, got=list(self.snapshots))

"""Settings of the training."""

from dataclasses import dataclass, field

from pipeline.settings.choices import LearningRateSchedule, Optimizer, Precision, Regularizer
from pipeline.settings.ranges import LARGEST_SEED, FilePath, Number, check_fields, rule


@dataclass(kw_only=True)
class OptimizerConfig:
    name: Optimizer
    momentum: float = field(metadata=rule(Number(least=0, most=1)))
    weight_decay: float = field(metadata=rule(Number(least=0)))


@dataclass(kw_only=True)
class LearningRateConfig:
    initial: float = field(metadata=rule(Number(above=0, most=1e3)))
    schedule: LearningRateSchedule
    rate: float = field(metadata=rule(Number(least=0)))
    decay_steps: int = field(metadata=rule(Number(least=1)))


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


@dataclass(kw_only=True)
class TrainConfig:
    seed: int = field(metadata=rule(Number(least=0, most=LARGEST_SEED, follows="seed")))
    epochs: int = field(metadata=rule(Number(least=1)))
    batch_size: int = field(metadata=rule(Number(least=1)))
    optimizer: OptimizerConfig
    learning_rate: LearningRateConfig
    regularizer: RegularizerConfig
    augmentation: AugmentationConfig
    precision: Precision
    xla: bool
    initial_weights: str | None = field(metadata=rule(FilePath()))

    def __post_init__(self) -> None:
        check_fields("train", self, "initial_weights")
        check_fields("train", self)

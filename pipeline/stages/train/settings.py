"""Settings of the training."""

from dataclasses import dataclass

from pipeline.settings.choices import LearningRateSchedule, Optimizer, Regularizer
from pipeline.settings.ranges import not_blank, number


@dataclass(kw_only=True)
class OptimizerConfig:
    name: Optimizer
    momentum: float
    weight_decay: float


@dataclass(kw_only=True)
class LearningRateConfig:
    initial: float
    schedule: LearningRateSchedule
    rate: float
    decay_steps: int


@dataclass(kw_only=True)
class RegularizerConfig:
    kind: Regularizer
    factor: float


@dataclass(kw_only=True)
class AugmentationConfig:
    rotation: float
    shift: float
    zoom: float
    shear: float


@dataclass(kw_only=True)
class TrainConfig:
    seed: int
    epochs: int
    batch_size: int
    optimizer: OptimizerConfig
    learning_rate: LearningRateConfig
    regularizer: RegularizerConfig
    augmentation: AugmentationConfig
    initial_weights: str | None

    def __post_init__(self) -> None:
        not_blank("train.initial_weights", self.initial_weights)
        number("train.epochs", self.epochs, least=1)
        number("train.batch_size", self.batch_size, least=1)
        number("train.optimizer.momentum", self.optimizer.momentum, least=0, most=1)
        number("train.optimizer.weight_decay", self.optimizer.weight_decay, least=0)
        number("train.learning_rate.initial", self.learning_rate.initial, above=0, most=1e3)
        number("train.learning_rate.rate", self.learning_rate.rate, least=0)
        number("train.learning_rate.decay_steps", self.learning_rate.decay_steps, least=1)
        number("train.regularizer.factor", self.regularizer.factor, least=0)
        number("train.augmentation.rotation", self.augmentation.rotation, least=0, most=180)
        number("train.augmentation.shift", self.augmentation.shift, least=0)
        number("train.augmentation.zoom", self.augmentation.zoom, least=0, most=0.9)
        number("train.augmentation.shear", self.augmentation.shear, least=0, most=45)

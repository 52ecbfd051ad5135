"""Settings of the data, the CNN and its training."""

from dataclasses import dataclass

from pipeline.config.checks import no_repeats, not_blank, number
from pipeline.config.choices import Activation, DataSet, LearningRateSchedule, Optimizer, Regularizer
from pipeline.errors import InputError


@dataclass(kw_only=True)
class DataConfig:
    name: DataSet
    path: str | None
    limit: int | None
    epochs: int

    def __post_init__(self) -> None:
        if self.limit is not None:
            number("data.limit", self.limit, least=10)
        not_blank("data.path", self.path)
        number("data.epochs", self.epochs, least=1)
        if self.path is not None and self.name is DataSet.digits:
            raise InputError.at("data.path", takes="null for data=digits, which comes with scikit-learn", got=self.path)


@dataclass(kw_only=True)
class ConvolutionConfig:
    filters: int
    kernel_size: int
    activation: Activation


@dataclass(kw_only=True)
class PoolConfig:
    size: int


@dataclass(kw_only=True)
class DenseConfig:
    units: int
    activation: Activation


@dataclass(kw_only=True)
class ModelConfig:
    input_size: int
    convolutions: dict[str, ConvolutionConfig]
    pools: dict[str, PoolConfig]
    dense: dict[str, DenseConfig]

    def __post_init__(self) -> None:
        number("model.input_size", self.input_size, least=8, most=512)
        if not self.convolutions:
            raise InputError.at("model.convolutions", takes="at least one layer", got="none")
        if len(self.pools) != len(self.convolutions) - 1:
            takes = f"one pool between any two convolutions, so {len(self.convolutions) - 1}"
            raise InputError.at("model.pools", takes=takes, got=f"{len(self.pools)}: {', '.join(self.pools)}")
        names = [*self.convolutions, *self.pools, *self.dense]
        no_repeats("model (names of layers)", names)
        for name in names:
            if not (name.isidentifier() and name.isascii()) or name in ("Input", "Flatten", "Output"):
                takes = "names of letters (a to z), digits and _ that are not Input, Flatten or Output"
                raise InputError.at("model (names of layers)", takes=takes, got=repr(name))
        for name, layer in self.convolutions.items():
            number(f"model.convolutions.{name}.filters", layer.filters, least=1)
            number(f"model.convolutions.{name}.kernel_size", layer.kernel_size, least=1)
        for name, pool in self.pools.items():
            number(f"model.pools.{name}.size", pool.size, least=1)
        for name, dense in self.dense.items():
            number(f"model.dense.{name}.units", dense.units, least=1)
        for name, (side, _) in self.shapes().items():
            if side < 1:
                takes = f"layers that fit into {self.input_size} x {self.input_size} pixels"
                raise InputError.at("model", takes=takes, got=f"{name} with a side of {side}")

    def shapes(self) -> dict[str, tuple[int, int]]:
        """(side, maps) of the output of every convolution and pool, in order (no padding, stride = pool size)."""
        shapes, side = {}, self.input_size
        pools = [*self.pools.items(), None]
        for (name, layer), pool in zip(self.convolutions.items(), pools, strict=True):
            side = side - layer.kernel_size + 1
            shapes[name] = (side, layer.filters)
            if pool is not None:
                side = side // pool[1].size
                shapes[pool[0]] = (side, layer.filters)
        return shapes

    def windows(self, layer: str) -> list[tuple[int, int]]:
        """(size, stride) of every window from the input up to a convolution or pool."""
        windows: list[tuple[int, int]] = []
        for (name, convolution), pool in zip(self.convolutions.items(), [*self.pools.items(), None], strict=True):
            windows.append((convolution.kernel_size, 1))
            if name == layer:
                break
            if pool is not None:
                windows.append((pool[1].size, pool[1].size))
                if pool[0] == layer:
                    break
        return windows


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

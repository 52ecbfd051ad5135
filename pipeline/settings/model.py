"""Settings of the CNN that is built here, and what follows from them about its layers."""

from dataclasses import dataclass, field

from pipeline.core.layers import Convolution, Dense, Flatten, Input, Layer, Network, Pool
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Activation
from pipeline.settings.ranges import Number, check_fields, no_repeats, rule


@dataclass(kw_only=True)
class ConvolutionConfig:
    filters: int = field(metadata=rule(Number(least=1)))
    kernel_size: int = field(metadata=rule(Number(least=1)))
    activation: Activation


@dataclass(kw_only=True)
class PoolConfig:
    size: int = field(metadata=rule(Number(least=1)))


@dataclass(kw_only=True)
class DenseConfig:
    units: int = field(metadata=rule(Number(least=1)))
    activation: Activation


@dataclass(kw_only=True)
class ModelConfig:
    input_size: int = field(metadata=rule(Number(least=8, most=512)))
    convolutions: dict[str, ConvolutionConfig]
    pools: dict[str, PoolConfig]
    dense: dict[str, DenseConfig]

    def __post_init__(self) -> None:
        check_fields("model", self, "input_size")
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
        check_fields("model", self)
        for name, shape in self.network.shapes().items():
            side = shape[0] if shape is not None and len(shape) == 3 else None
            if side is not None and side < 1:
                takes = f"layers that fit into {self.input_size} x {self.input_size} pixels"
                raise InputError.at("model", takes=takes, got=f"{name} with a side of {side}")

    @property
    def network(self) -> Network:
        """Return the layers of the model that is built, in order; how many units the last one has, the data says.

        Convolutions have stride 1 and no padding, pools take the maximum; there is no normalization layer.
        """
        layers: list[Layer] = [Input(name="Input", shape=(self.input_size, self.input_size, 1))]
        for (name, layer), pool in zip(self.convolutions.items(), [*self.pools.items(), None], strict=True):
            size = (layer.kernel_size, layer.kernel_size)
            layers.append(Convolution(name=name, filters=layer.filters, size=size, activation=layer.activation.value))
            if pool is not None:
                size = (pool[1].size, pool[1].size)
                layers.append(Pool(name=pool[0], size=size, stride=size))
        layers.append(Flatten(name="Flatten"))
        for name, dense in self.dense.items():
            layers.append(Dense(name=name, units=dense.units, activation=dense.activation.value))
        return Network((*layers, Dense(name="Output", units=None, activation="softmax")))

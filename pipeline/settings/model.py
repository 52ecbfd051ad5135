"""Settings of the CNN that is built here, and what follows from them about its layers."""

from dataclasses import dataclass, field

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

"""Settings of the CNN, built here or out of a file, and what follows from them about its layers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.layers import Convolution, Dense, Flatten, Input, Layer, Network, Pool
from pipeline.core.model_choice import Chosen
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Activation
from pipeline.settings.ranges import FilePath, Fills, Number, Sides, check_fields, no_repeats, rule

if TYPE_CHECKING:
    from pipeline.core.model_files.reading import ModelFile


# What says something of a CNN out of a file only, or is only the place of one.
OF_FILE = tuple(f"model.{name}" for name in ("path", "custom", "weights", "input", "output", "side", "constants"))


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
    """The layers of a CNN that is built here; or, with `path`, a file of the user's, and then no layers."""

    input_size: int | None = field(metadata=rule(Number(least=8, most=512)))
    convolutions: dict[str, ConvolutionConfig]
    pools: dict[str, PoolConfig]
    dense: dict[str, DenseConfig]
    # what the stages look at unless they are told something else
    layer: str | None = None
    layers: list[str] | None = None
    map: int = field(default=-1, metadata=rule(Number(least=-1)))
    path: str | None = field(default=None, metadata=rule(FilePath()))
    custom: str | None = field(default=None, metadata=rule(FilePath()))
    weights: str | None = field(default=None, metadata=rule(FilePath()))
    input: str | None = None
    output: str | None = None
    side: Any = field(default=None, metadata=rule(Sides()))
    constants: Any = field(default=None, metadata=rule(Fills()))

    def __post_init__(self) -> None:
        check_fields("model", self, "map", "path", "custom", "weights", "side", "constants")
        if self.path is not None:
            if self.convolutions or self.pools or self.dense or self.input_size is not None:
                takes = "null where the layers are given; model=file model.path=... for a CNN out of a file"
                raise InputError.at("model.path", takes=takes, got=self.path)
            return
        if self.input_size is None and not self.convolutions:
            raise InputError.at("model.path", takes="the file of a CNN, such as model.path=my.keras", got="nothing")
        for name in ("custom", "input", "output", "side"):
            if getattr(self, name) is not None:
                takes = "null without model.path, as it says something of a file"
                raise InputError.at(f"model.{name}", takes=takes, got=getattr(self, name))
        if self.constants:
            raise InputError.at("model.constants", takes="null without model.path", got=self.constants)
        if self.input_size is None:
            raise InputError.at("model.input_size", takes="a whole number where the layers are given", got="null")
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
    def is_from_file(self) -> bool:
        """Tell whether the CNN, or at least its weights, comes out of a file, so that nothing is trained."""
        return self.path is not None or self.weights is not None

    def file(self) -> "ModelFile | None":
        """Return the file of the CNN with its model, read once in a process; None where the layers are given.

        It imports TensorFlow.

        Raises:
            InputError: it cannot be read, or is not what is allowed.
        """
        if self.path is None:
            return None
        from pipeline.core.model_files.reading import read_model_file

        return read_model_file(Path(self.path).expanduser(), custom=_path(self.custom), weights=_path(self.weights))

    @property
    def chosen(self) -> "Chosen":
        """Return what of the model of a file is looked at."""
        constants = dict(self.constants or {})
        return Chosen(
            self.input,
            self.output,
            sides_of(self.side),
            tuple(sorted((name, float(value)) for name, value in constants.items())),
        )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Return (height, width, channels) of the pictures that the CNN takes."""
        file = self.file()
        if file is None:
            assert self.input_size is not None
            return self.input_size, self.input_size, 1
        from pipeline.core.model_files.choosing import picture_shape

        return picture_shape(file, self.chosen)

    @property
    def network(self) -> Network:
        """Return the layers of the CNN, in order; how many units the last one has, the data says where it is built.

        Of what is built here convolutions have stride 1 and no padding, pools take the maximum; there is no
        normalization layer.
        """
        file = self.file()
        if file is not None:
            from pipeline.core.model_files.choosing import network_of

            return network_of(file, self.chosen)
        layers: list[Layer] = [Input(name="Input", shape=self.input_shape)]
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


def sides_of(side: Any) -> tuple[int, int] | None:
    """Return (height, width) of one number for both or of two; None of null."""
    if side is None:
        return None
    return (side, side) if isinstance(side, int) else (side[0], side[1])


def _path(path: str | None) -> Path | None:
    return None if path is None else Path(path).expanduser()

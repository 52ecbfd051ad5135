"""All settings as one typed, checked object. Values live in conf/; the types and ranges of a stage in its folder."""

from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Stage, StartImage, Strategy, TrackingBackend
from pipeline.settings.data import DataConfig
from pipeline.settings.model import ModelConfig
from pipeline.settings.ranges import LARGEST_SEED, Entries, Number, check_fields, choice, number, one_for_each, rule
from pipeline.stages.activations.settings import ActivationsConfig
from pipeline.stages.atlas.settings import AtlasConfig
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.settings import OipConfig
from pipeline.stages.statistics.settings import StatisticsConfig
from pipeline.stages.train.settings import TrainConfig


@dataclass(kw_only=True)
class TrackingConfig:
    backend: TrackingBackend
    uri: str | None
    experiment: str

    def __post_init__(self) -> None:
        if not self.experiment.strip():
            raise InputError.at("tracking.experiment", takes="a name", got="nothing")


@dataclass(kw_only=True)
class RuntimeConfig:
    threads: int | None = field(metadata=rule(Number(least=1)))
    deterministic: bool

    def __post_init__(self) -> None:
        check_fields("runtime", self)


@dataclass(kw_only=True)
class Config:
    stages: list[Stage] = field(
        metadata=rule(Entries(filled=f"of {', '.join(stage.value for stage in Stage)}", once=True))
    )
    seed: int = field(metadata=rule(Number(least=0, most=LARGEST_SEED)))
    reuse: bool
    output_dir: str
    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    activations: ActivationsConfig
    statistics: StatisticsConfig
    noise: NoiseConfig
    oip: OipConfig
    dream: DreamConfig
    atlas: AtlasConfig
    tracking: TrackingConfig
    runtime: RuntimeConfig

    def __post_init__(self) -> None:
        check_fields("", self, "stages", "seed")
        # after `seed`, which they follow unless they are set
        check_fields("train", self.train, "seed")
        check_fields("noise", self.noise, "seed")
        for cells in self.noise.wavelengths:
            number("noise.wavelengths", cells, most=self.model.input_size)
        layers = [*self.model.shapes(), *self.model.dense, "Output"]
        for name in self.activations.layers:
            choice("activations.layers", name, layers, "layers of the model")
        choice("oip.layer", self.oip.layer, layers, "a layer of the model")
        choice("statistics.layer", self.statistics.layer, layers, "a layer of the model")
        if Stage.atlas in self.stages and self.statistics.layer != self.oip.layer:
            takes = f"the layer of the OIPs, {self.oip.layer}, for an atlas"
            raise InputError.at("statistics.layer", takes=takes, got=self.statistics.layer)
        for wavelengths in self.atlas.wavelengths:
            for cells in wavelengths:
                number("atlas.wavelengths", cells, most=self.model.input_size)
        self._check_oip()
        choice("dream.layer", self.dream.layer, self.model.convolutions, "a convolutional layer of the model")
        self._check_maps("dream.map_indices", self.dream.layer, self.dream.map_indices or [])
        maps = self.model.shapes()[self.dream.layer][1]
        if self.dream.auto_maps is not None:
            number("dream.auto_maps", self.dream.auto_maps, least=1, most=maps)
        for indices in self.dream.tile_maps or []:
            self._check_maps("dream.tile_maps", self.dream.layer, indices)

    def _check_oip(self) -> None:
        layer = self.oip.layer
        self._check_maps("oip.map_indices", layer, self.oip.map_indices or [])
        if self.oip.position is not None:
            if layer not in self.model.shapes():
                takes = f"null for {layer}, which is no map but a row of units"
                raise InputError.at("oip.position", takes=takes, got=self.oip.position)
            side = self.model.shapes()[layer][0]
            for place in self.oip.position:
                if place >= side:
                    takes = f"[row, column], each 0 to {side - 1} in {layer}"
                    raise InputError.at("oip.position", takes=takes, got=self.oip.position)
        if self.oip.strategy is Strategy.coarse_to_fine:
            if self.noise.kind is not StartImage.waves:
                takes = "waves with oip.strategy=coarse_to_fine, which adds one wavelength after the other"
                raise InputError.at("noise.kind", takes=takes, got=self.noise.kind.value)
            one_for_each("oip.stage_steps", self.oip.stage_steps, self.noise.wavelengths, "noise.wavelengths")

    def _check_maps(self, key: str, layer: str, map_indices: list[int]) -> None:
        if layer == "Output":
            # how many classes there are, the data says
            units, what = None, "classes"
        elif layer in self.model.dense:
            units, what = self.model.dense[layer].units, "units"
        else:
            units, what = self.model.shapes()[layer][1], "map indices"
        for index in map_indices:
            if index < -1 or (units is not None and index >= units):
                upward = "0 and above" if units is None else f"0 to {units - 1}"
                takes = f"{what} {upward} of {layer}, or -1 for the whole layer"
                raise InputError.at(key, takes=takes, got=index)

"""The settings as typed, checked objects. Values live in conf/; here stand their types and ranges.

Every class checks itself when it is made; `Config` also checks what concerns several groups (is `oip.layer` a layer
of `model`?), so that a stage never sees a setting that it cannot use.
"""

from dataclasses import dataclass

from pipeline.config.checks import LARGEST_SEED, choice, no_repeats, not_empty, number
from pipeline.config.choices import (
    Activation,
    ColorMap,
    DataSet,
    Fit,
    LearningRateSchedule,
    MapScaling,
    Objective,
    Optimizer,
    Regularizer,
    Split,
    Stage,
    StepSizeSchedule,
    TrackingBackend,
)
from pipeline.config.looking import (
    ActivationsConfig,
    ContrastConfig,
    ConvergenceConfig,
    DreamConfig,
    NoiseConfig,
    OipConfig,
)
from pipeline.config.training import (
    AugmentationConfig,
    ConvolutionConfig,
    DataConfig,
    DenseConfig,
    LearningRateConfig,
    ModelConfig,
    OptimizerConfig,
    PoolConfig,
    RegularizerConfig,
    TrainConfig,
)
from pipeline.errors import InputError

__all__ = [
    "Activation",
    "ActivationsConfig",
    "AugmentationConfig",
    "ColorMap",
    "Config",
    "ContrastConfig",
    "ConvergenceConfig",
    "ConvolutionConfig",
    "DataConfig",
    "DataSet",
    "DenseConfig",
    "DreamConfig",
    "Fit",
    "LearningRateConfig",
    "LearningRateSchedule",
    "MapScaling",
    "ModelConfig",
    "NoiseConfig",
    "Objective",
    "OipConfig",
    "Optimizer",
    "OptimizerConfig",
    "PoolConfig",
    "Regularizer",
    "RegularizerConfig",
    "RuntimeConfig",
    "Split",
    "Stage",
    "StepSizeSchedule",
    "TrackingBackend",
    "TrackingConfig",
    "TrainConfig",
]


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
    threads: int | None
    deterministic: bool

    def __post_init__(self) -> None:
        if self.threads is not None:
            number("runtime.threads", self.threads, least=1)


@dataclass(kw_only=True)
class Config:
    stages: list[Stage]
    seed: int
    reuse: bool
    output_dir: str
    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    activations: ActivationsConfig
    noise: NoiseConfig
    oip: OipConfig
    dream: DreamConfig
    tracking: TrackingConfig
    runtime: RuntimeConfig

    def __post_init__(self) -> None:
        not_empty("stages", self.stages, f"of {', '.join(stage.value for stage in Stage)}")
        no_repeats("stages", self.stages)
        # `seed` first: the others follow it unless they are set
        for key, seed in (("seed", self.seed), ("train.seed", self.train.seed), ("noise.seed", self.noise.seed)):
            number(key, seed, least=0, most=LARGEST_SEED)
        for cells in self.noise.wavelengths:
            number("noise.wavelengths", cells, most=self.model.input_size)
        for name in self.activations.layers:
            choice(
                "activations.layers", name, [*self.model.shapes(), *self.model.dense, "Output"], "layers of the model"
            )
        self._check_maps("oip", self.oip.layer, self.oip.map_indices or [])
        self._check_maps("dream", self.dream.layer, self.dream.map_indices)

    def _check_maps(self, group: str, layer: str, map_indices: list[int]) -> None:
        convolutions = self.model.convolutions
        choice(f"{group}.layer", layer, convolutions, "a convolutional layer of the model")
        maps = convolutions[layer].filters
        for index in map_indices:
            if not -1 <= index < maps:
                takes = f"map indices 0 to {maps - 1} of {layer}, or -1 for the whole layer"
                raise InputError.at(f"{group}.map_indices", takes=takes, got=index)

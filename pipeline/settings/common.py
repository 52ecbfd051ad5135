"""The settings that concern all stages."""

from dataclasses import dataclass, field

from pipeline.settings.data import DataConfig
from pipeline.settings.model import ModelConfig
from pipeline.settings.ranges import LARGEST_SEED, Number, rule


@dataclass(kw_only=True)
class CommonSettings:
    """Which results are wanted, of which data and CNN, and where they lie."""

    stages: list[str]
    seed: int = field(metadata=rule(Number(least=0, most=LARGEST_SEED)))
    reuse: bool
    output_dir: str
    data: DataConfig
    model: ModelConfig

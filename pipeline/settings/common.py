"""The settings that concern all stages."""

from dataclasses import dataclass

from pipeline.settings.data import DataConfig
from pipeline.settings.model import ModelConfig


@dataclass(kw_only=True)
class CommonSettings:
    """Which results are wanted, of which data and CNN, and where they lie."""

    stages: list[str]
    seed: int
    reuse: bool
    output_dir: str
    data: DataConfig
    model: ModelConfig

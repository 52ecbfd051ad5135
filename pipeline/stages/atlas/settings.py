"""Settings of the atlas."""

from dataclasses import dataclass, field

from pipeline.settings.ranges import LARGEST_STEP, Entries, Lists, Number, check_fields, rule
from pipeline.settings.shared import OctavesConfig


@dataclass(kw_only=True)
class AtlasDreamConfig:
    size: int = field(metadata=rule(Number(least=0, most=1024)))
    steps: int = field(metadata=rule(Number(least=1)))
    step_size: float = field(metadata=rule(Number(least=0, most=LARGEST_STEP)))
    octaves: OctavesConfig


@dataclass(kw_only=True)
class AtlasConfig:
    starts: int = field(metadata=rule(Number(least=1, most=32)))
    wavelengths: list[list[int]] = field(
        metadata=rule(
            Lists(Entries(Number(least=2), filled="number of cells per side in each of its lists", once=True))
        )
    )
    elsewhere: bool
    dream: AtlasDreamConfig

    def __post_init__(self) -> None:
        check_fields("atlas", self)

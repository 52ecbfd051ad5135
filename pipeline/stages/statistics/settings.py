"""Settings of the statistics."""

from dataclasses import dataclass

from pipeline.settings.choices import Split
from pipeline.settings.ranges import number


@dataclass(kw_only=True)
class StatisticsConfig:
    layer: str
    split: Split
    top: int

    def __post_init__(self) -> None:
        number("statistics.top", self.top, least=1, most=100)

"""Settings of the statistics."""

from dataclasses import dataclass, field

from pipeline.settings.choices import Split
from pipeline.settings.ranges import Number, check_fields, rule


@dataclass(kw_only=True)
class StatisticsConfig:
    layer: str
    split: Split
    top: int = field(metadata=rule(Number(least=1, most=100)))

    def __post_init__(self) -> None:
        check_fields("statistics", self)

"""Groups of settings that several stages have."""

from dataclasses import dataclass, field

from pipeline.settings.ranges import Number, rule


@dataclass(kw_only=True)
class ConvergenceConfig:
    criterion: float = field(metadata=rule(Number(least=0)))
    after: int = field(metadata=rule(Number(least=0)))
    patience: int = field(metadata=rule(Number(least=1)))
    stop: bool


@dataclass(kw_only=True)
class ContrastConfig:
    centre: float = field(metadata=rule(Number(least=0, most=1)))
    factor: float = field(metadata=rule(Number(above=0)))


@dataclass(kw_only=True)
class OctavesConfig:
    count: int = field(metadata=rule(Number(least=1, most=30)))
    scale: float = field(metadata=rule(Number(least=1.1, most=4)))
    least_contrast: float = field(metadata=rule(Number(least=0, most=10)))

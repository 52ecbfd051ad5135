"""Groups of settings that several stages have."""

from dataclasses import dataclass

from pipeline.settings.ranges import number


@dataclass(kw_only=True)
class ConvergenceConfig:
    criterion: float
    after: int
    patience: int
    stop: bool

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.criterion", self.criterion, least=0)
        number(f"{key}.after", self.after, least=0)
        number(f"{key}.patience", self.patience, least=1)


@dataclass(kw_only=True)
class ContrastConfig:
    centre: float
    factor: float

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.centre", self.centre, least=0, most=1)
        number(f"{key}.factor", self.factor, above=0)


@dataclass(kw_only=True)
class OctavesConfig:
    count: int
    scale: float
    least_contrast: float

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.count", self.count, least=1, most=30)
        number(f"{key}.scale", self.scale, least=1.1, most=4)
        number(f"{key}.least_contrast", self.least_contrast, least=0, most=10)

"""Settings of the record, and of the process."""

from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.ranges import Number, check_fields, rule

# More would only wait for each other, and so many can bring a machine down.
MOST_THREADS = 1024


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
    threads: int | None = field(metadata=rule(Number(least=1, most=MOST_THREADS)))
    deterministic: bool

    def __post_init__(self) -> None:
        check_fields("runtime", self)

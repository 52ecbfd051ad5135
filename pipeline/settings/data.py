"""Settings of the data."""

from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import DataSet
from pipeline.settings.ranges import FilePath, Number, check_fields, rule


@dataclass(kw_only=True)
class DataConfig:
    name: DataSet
    path: str | None = field(metadata=rule(FilePath()))
    limit: int | None = field(metadata=rule(Number(least=10)))
    epochs: int = field(metadata=rule(Number(least=1)))

    def __post_init__(self) -> None:
        check_fields("data", self, "limit", "path", "epochs")
        if self.path is not None and self.name is DataSet.digits:
            raise InputError.at("data.path", takes="null for data=digits, which comes with scikit-learn", got=self.path)

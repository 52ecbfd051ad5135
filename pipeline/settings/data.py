"""Settings of the data."""

from dataclasses import dataclass

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import DataSet
from pipeline.settings.ranges import not_blank, number


@dataclass(kw_only=True)
class DataConfig:
    name: DataSet
    path: str | None
    limit: int | None
    epochs: int

    def __post_init__(self) -> None:
        if self.limit is not None:
            number("data.limit", self.limit, least=10)
        not_blank("data.path", self.path)
        number("data.epochs", self.epochs, least=1)
        if self.path is not None and self.name is DataSet.digits:
            raise InputError.at("data.path", takes="null for data=digits, which comes with scikit-learn", got=self.path)

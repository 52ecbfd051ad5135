"""Settings of the data."""

from dataclasses import dataclass, field

from pipeline.data.sets import data_set_names, source_of
from pipeline.runtime.errors import InputError
from pipeline.settings.ranges import not_blank, number


@dataclass(kw_only=True)
class DataConfig:
    name: str = field(metadata={"one_of": data_set_names})
    path: str | None
    limit: int | None
    epochs: int

    def __post_init__(self) -> None:
        if self.name not in data_set_names():
            raise InputError.at("data.name", takes=f"one of {', '.join(data_set_names())}", got=self.name)
        if self.limit is not None:
            number("data.limit", self.limit, least=10)
        not_blank("data.path", self.path)
        number("data.epochs", self.epochs, least=1)
        if self.path is not None and (reason := source_of(self.name).pathless):
            raise InputError.at("data.path", takes=f"null for data={self.name}, which {reason}", got=self.path)

"""Settings of the data."""

from dataclasses import dataclass, field

from pipeline.data.sets import data_set_names, source_of
from pipeline.runtime.errors import InputError
from pipeline.settings.ranges import FilePath, Number, OneOf, check_fields, rule


@dataclass(kw_only=True)
class DataConfig:
    name: str = field(metadata=rule(OneOf(data_set_names)))
    path: str | None = field(metadata=rule(FilePath()))
    limit: int | None = field(metadata=rule(Number(least=10)))
    epochs: int = field(metadata=rule(Number(least=1)))

    def __post_init__(self) -> None:
        check_fields("data", self, "name", "limit", "path", "epochs")
        if self.path is not None and (reason := source_of(self.name).pathless):
            raise InputError.at("data.path", takes=f"null for data={self.name}, which {reason}", got=self.path)

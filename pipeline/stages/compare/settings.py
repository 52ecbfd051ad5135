"""Settings of the comparison of two CNNs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Split
from pipeline.settings.ranges import Entries, FilePath, Number, check_fields, rule


@dataclass(kw_only=True)
class CompareConfig:
    other: str | None = field(metadata=rule(FilePath()))
    other_custom: str | None = field(metadata=rule(FilePath()))
    layer: str
    other_layer: str | None
    epoch: int | None = field(metadata=rule(Number(least=0)))
    snapshots: str | None = field(metadata=rule(FilePath()))
    other_epoch: int | None = field(metadata=rule(Number(least=0)))
    other_snapshots: str | None = field(metadata=rule(FilePath()))
    split: Split
    images: int = field(metadata=rule(Number(least=2)))
    map_indices: list[int] | None = field(
        metadata=rule(Entries(Number(least=0), filled="map, or null for all of the layer", once=True))
    )
    top: int = field(metadata=rule(Number(least=1, most=100)))
    names: list[str] | None

    def __post_init__(self) -> None:
        check_fields("compare", self)
        for epoch, file in (("epoch", "snapshots"), ("other_epoch", "other_snapshots")):
            if getattr(self, epoch) is not None and getattr(self, file) is None:
                takes = f"the snapshots.npz of that training, with compare.{epoch}={getattr(self, epoch)}"
                raise InputError.at(f"compare.{file}", takes=takes, got="null")
        if self.names is not None and not _are_names(self.names):
            raise InputError.at("compare.names", takes="two names, or null", got=self.names)


def _are_names(names: Sequence[object]) -> bool:
    return len(names) == 2 and all(isinstance(name, str) and name.strip() for name in names)

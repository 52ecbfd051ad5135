"""Settings of the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.preprocessing import BYTES, NONE, STANDARDIZE, SYMMETRIC, UNIT
from pipeline.data.sets import data_set_names, source_of
from pipeline.runtime.errors import InputError
from pipeline.settings.ranges import LARGEST_SEED, Entries, FilePath, Number, OneOf, check_fields, fits_float, rule

FITS = ("crop", "stretch")
PREPROCESSINGS = (STANDARDIZE, UNIT, BYTES, SYMMETRIC, NONE)
MEAN, STD = "mean", "std"


@dataclass(frozen=True)
class PreprocessingRule(OneOf):
    """A word, or mean and standard deviation of the levels of all channels or of each."""

    def describe(self) -> str:
        """Return what it takes, in words."""
        return f"null, {', '.join(self.words())} or {{mean: [...], std: [...]}}, of one number or one for each channel"

    def check(self, key: str, value: Any, group: object) -> None:
        if value is None or (isinstance(value, str) and value in self.words()):
            return
        if not isinstance(value, Mapping) or set(value) != {MEAN, STD}:
            raise InputError.at(key, takes=self.describe(), got=value)
        mean, std = (numbers_of(value[name]) for name in (MEAN, STD))
        if mean is None or std is None or len(mean) != len(std) or min(std) <= 0:
            takes = "as many finite numbers for mean as for std, and these above 0"
            raise InputError.at(key, takes=takes, got=dict(value))
        if not all(map(fits_float, (max(map(abs, mean)) / min(std), 1 / min(std)))):
            takes = "a mean and a std that keep what becomes of black and white within a float32"
            raise InputError.at(key, takes=takes, got=dict(value))
        if max(mean) > 1 and max(std) > 1:
            takes = "mean and std of levels from 0, black, to 1, white: divide those of bytes by 255"
            raise InputError.at(key, takes=takes, got=dict(value))


def numbers_of(value: Any) -> tuple[float, ...] | None:
    """Return a number, or a list of numbers, as floats; None if it is none, or has one that is not finite."""
    entries = list(value) if isinstance(value, list | tuple) else [value]
    if not entries or any(isinstance(entry, bool) or not isinstance(entry, int | float) for entry in entries):
        return None
    return tuple(map(float, entries)) if all(map(fits_float, entries)) else None


@dataclass(kw_only=True)
class DataConfig:
    name: str = field(metadata=rule(OneOf(data_set_names)))
    path: str | None = field(metadata=rule(FilePath()))
    limit: int | None = field(metadata=rule(Number(least=10)))
    preprocessing: Any = field(metadata=rule(PreprocessingRule(lambda: PREPROCESSINGS)))
    class_names: list[str] | None = field(metadata=rule(Entries(filled="class name", once=True)))
    fit: str = field(metadata=rule(OneOf(lambda: FITS)))
    test_share: float = field(metadata=rule(Number(above=0, most=0.9)))
    seed: int = field(metadata=rule(Number(least=0, most=LARGEST_SEED)))
    epochs: int = field(metadata=rule(Number(least=1)))

    def __post_init__(self) -> None:
        names = ("name", "limit", "path", "epochs", "preprocessing", "class_names", "fit", "test_share", "seed")
        check_fields("data", self, *names)
        source = source_of(self.name)
        if self.path is not None and (reason := source.pathless):
            raise InputError.at("data.path", takes=f"null for data={self.name}, which {reason}", got=self.path)
        if self.path is None and source.own_arrays is None:
            what = "a folder of pictures" if source.of_pictures else "an .npz file or a folder of IDX files"
            raise InputError.at("data.path", takes=f"{what} for data={self.name}", got="null")
        for name in self.class_names or []:
            if not name.strip():
                raise InputError.at("data.class_names", takes="names that are not blank", got=self.class_names)

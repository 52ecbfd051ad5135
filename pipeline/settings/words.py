"""Words of a command line, setting=value, as Hydra reads them; and how a word that it does not take is quoted."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString
from hydra.errors import HydraException

from pipeline.runtime.errors import InputError
from pipeline.settings import schema
from pipeline.settings.interpolations import check_grammar
from pipeline.settings.quoting import literal, quoted

# The start of a word up to its value: a sign, and a name that Hydra takes.
START = re.compile(r"\s*(?P<sign>~|\+\+|\+|)(?P<key>[A-Za-z_$][\w$@:./-]*)\s*=", re.ASCII)
# A value in its parts: texts in quotes, signs that have a meaning for Hydra, and what is between them.
PARTS = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[][{}(),:='"]|[^][{}(),:='"]+""", re.DOTALL)
# What Hydra knows neither as a sign nor as a letter.
STRANGE = re.compile(r"[^\w \t/\\+.$%*@?|-]", re.ASCII)
EXPERIMENT = "experiment"
# Hydra's settings that are texts with a word of the user's in them.
TEXTS_OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.job.name")
BLANKS = " \t"
FORM = "takes the form setting=value, such as dream.photo=rose.jpg"


def spelled(word: str, *, is_sweep: bool = False) -> str:
    """Return a word with quotes where only a text can be meant.

    Around parts with signs that mean nothing to Hydra, such as é or #, and around the value of a text that Hydra would
    take for a number, and write in another way, such as 1e3.

    Args:
        is_sweep: whether there may be several values.
    """
    found = START.match(word)
    if found is None or found["sign"] == "~":
        return word
    start, value = word[: found.end()], word[found.end() :]
    if (override := _read(word)) is not None:
        read = override.value()
        is_other = isinstance(read, bool | int | float) and str(read) != value.strip(BLANKS)
        return start + quoted(value) if is_other and _takes_text(found["key"]) else word
    written = start + "".join(quoted(part) if _is_strange(part) else part for part in PARTS.findall(value))
    override = _read(written)
    return word if override is None or (override.is_sweep_override() and not is_sweep) else written


def values_of(override: Override) -> Sequence[Any]:
    """Return what a setting would be in some job."""
    if override.is_interval_sweep():
        interval = override.value()
        return [interval.start, interval.end]
    values = override.sweep_iterator() if override.is_sweep_override() else [override.value()]
    return [value.text if isinstance(value, QuotedString) else value for value in values]


def names_of(override: Override) -> Iterator[Any]:
    """Yield what a word of a group names in some job, each by itself; a name is a text."""
    for value in values_of(override):
        yield from value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Reader:
    """Reads the words of one command line.

    Args:
        is_group: whether a name stands for files.
        is_sweep: whether several values are as many jobs.
        quote: for the place where the words are written; a shell, unless said otherwise.
        several: what to say of several values where these are no jobs.
    """

    is_group: Callable[[str], bool]
    is_sweep: bool
    quote: Callable[[str], str] = shlex.quote
    several: str = "several values are a sweep, with -m"

    def read(self, word: str) -> Override:
        """Return what Hydra reads in a word.

        Raises:
            InputError: nothing, or several values of a single run, with the word as it has to be quoted.
        """
        override, found = _read(word), START.match(word)
        if found is None and (override is None or not override.key_or_group):
            raise InputError(f"{word}: {FORM}")
        if override is not None and (self.is_sweep or not override.is_sweep_override()):
            return override
        assert found is not None
        key = found["key"]
        if self._is_setting(key):
            schema.check_key(key)
        raise self._refusal(word, found["sign"], key, word[found.end() :], override)

    def _refusal(self, word: str, sign: str, key: str, value: str, read: Override | None) -> InputError:
        """Return what to say of a word that Hydra does not read, or reads as several values."""
        written = self._written(sign, key, value)
        said = self.several
        if read is None:
            is_value = written is not None and _read(f"{key}={value}") is not None
            said = "cannot be read" if is_value or written is None else "special characters need quotes"
        if written is not None:
            return InputError(f"{word}: {said}; write {written}")
        return InputError.at(key, takes=self._describe(key), got=f"{value}; {said}")

    def check_values(self, override: Override) -> None:
        """Refuse a value of another type than the setting, a known one."""
        key, value = override.key_or_group, (override.input_line or "").partition("=")[2]
        for one in values_of(override):
            if check_grammar(one) is not None:
                takes = self._describe(key)
                raise InputError.at(
                    key, takes=takes, got=f"{value}: ${{ without a name and its }}{self._hint(key, value)}"
                )
            try:
                self._check_value(key, one)
            except InputError as error:
                raise InputError(f"{error}{self._hint(key, value)}") from error

    def check_deletion(self, key: str) -> None:
        """Refuse to take away what is needed: all but single layers of the model."""
        if key == EXPERIMENT:
            raise InputError(f"~{key}: there is none unless {key}=NAME asks for it")
        if self.is_group(key) and not key.startswith("hydra"):
            raise InputError(f"~{key}: every group of settings is needed; {key}=NAME takes another file of it")
        if self._is_setting(key):
            schema.check_key(key)
        if not self._is_setting(key) or not schema.is_entry(key):
            raise InputError(f"~{key}: every setting is needed; {key}=VALUE changes it")

    def _hint(self, key: str, value: str) -> str:
        word = self._written("", key, value)
        return "" if word is None else f"; write {word}"

    def _written(self, sign: str, key: str, value: str) -> str | None:
        """Return the word as it is to be written; None if no quotes make of it what the setting takes."""
        for written in self._ways(key, value):
            word = f"{sign}{key}={written}"
            override = _read(word)
            if override is None or (override.is_sweep_override() and not self.is_sweep):
                continue
            values = values_of(override)
            try:
                for one in values:
                    self._check_value(key, one)
            except InputError:
                continue
            if all(check_grammar(one) is None for one in values):
                return self.quote(word)
        return None

    def _ways(self, key: str, value: str) -> Iterator[str]:
        """Yield what a value can have been meant to be, quoted: several ones, a text, a list."""
        if self.is_group(key):
            return
        value = value.strip(BLANKS)
        yield value
        entries = [
            entry.strip(BLANKS) for entry in value.removeprefix("[").removesuffix("]").split(",") if entry.strip(BLANKS)
        ]
        listed = ",".join(entry if _read(f"key={entry}") else quoted(entry) for entry in entries)
        if self.is_sweep and len(entries) > 1 and not value.startswith("["):
            yield listed
        if not self._is_setting(key) or _takes_text(key):
            yield quoted(value)
            yield quoted(literal(value))
        if self._is_setting(key) and schema.takes_list(key):
            yield f"[{listed}]"

    def _check_value(self, key: str, value: Any) -> None:
        if self._is_setting(key):
            schema.check_value(key, value)
        elif key in TEXTS_OF_HYDRA and isinstance(value, list | dict):
            raise InputError.at(key, takes=self._describe(key), got=value)

    def _describe(self, key: str) -> str:
        if self.is_group(key):
            return "the name of one of its files"
        return schema.describe(key) if self._is_setting(key) else "a text"

    def _is_setting(self, key: str) -> bool:
        """Tell whether a name is that of a setting of this project, and not of files or Hydra's."""
        return not self.is_group(key) and not key.startswith("hydra") and not set(key) & set("/@:")


def _read(word: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def _is_strange(part: str) -> bool:
    return part[0] not in "[]{}(),:='\"" and STRANGE.search(part) is not None


def _takes_text(key: str) -> bool:
    """Tell whether a name is that of a setting that is a text."""
    if key.startswith("hydra"):
        return key in TEXTS_OF_HYDRA
    try:
        schema.check_key(key)
    except InputError:
        return False
    return schema.takes_text(key)

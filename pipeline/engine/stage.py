"""The declaration of a stage: all that the engine, the record and the commands know of it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipeline.data.dataset import Dataset
from pipeline.engine.record import Metrics, StageRecord, plain
from pipeline.engine.result import Result
from pipeline.engine.shows import Shows
from pipeline.runtime.progress import Progress

if TYPE_CHECKING:
    import keras

    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config

# The stages that hand on the CNN: its training, and the one that has it out of a file, which takes its place.
CNN_STAGES = ("train", "model")

R = TypeVar("R", bound=Result)
Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True, eq=False)
class Context:
    """The things that a stage is computed with.

    inputs: what `Stage.inputs` has read, by name; upstream: what each stage that it stands on hands on, by its name;
    progress: is told how far it is; checkpoint: a file in which a stage may keep what it has reached, for the case that
    its process is ended, and may find what an earlier one had; None: there is no place for that.
    """

    config: "Config"
    dataset: Dataset
    inputs: Mapping[str, Any]
    upstream: Mapping[str, Any]
    progress: Progress
    checkpoint: Path | None = None

    @property
    def model(self) -> "keras.Model":
        """Return the CNN that a stage stands on, whichever stage hands it on."""
        return next(self.upstream[name] for name in CNN_STAGES if name in self.upstream)

    def of(self, stage: str, kind: type[Kind]) -> Kind:
        """Return what a stage that this one stands on hands on.

        Args:
            stage: its name.
            kind: the class that the type checker takes it for; it has to be of it.
        """
        found = self.upstream[stage]
        assert isinstance(found, kind)
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing(Context):
    """The things that a result is drawn with.

    record: what is known of the stage before it is computed; command: that computes it; params: the settings of this
    and of other stages as the record has them.
    """

    record: StageRecord
    command: str
    params: Callable[[str], dict[str, str]]


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


def _no_seed(_: "Config") -> None:
    return None


def _accepted(_: Any) -> None:
    return None


def _nameless(_: "Config") -> str:
    return ""


def _nothing_of_data(_: "Config") -> None:
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage(Generic[R]):
    """A stage as it declares itself.

    name: of its folder and its experiment, and the word in `stages=[...]`.
    result: the class of what it returns.
    reads: the groups of settings that its result depends on; unread: what of them it does not read, dotted.
    upstream: the stages whose results it stands on; of most it gets the result, of a training the Keras model.
    named_by: the settings, or groups, that name its runs, besides those of the stages that it stands on.
    seed: the seed that its result depends on where that is in no group that it reads; None if there is none.
    split: the half of the data set that it looks at with these settings; None if it looks at no data.
    inputs: reads what else it needs, by name: arrays, dictionaries of arrays, or None for what is not there; refuses
        what it cannot take, by an InputError, before anything is computed or written.
    compute: the pure function; compute and draw import what is heavy, such as TensorFlow, when they are called.
    draw: the pictures of a result, by file name.
    metrics: what the record has of a result.
    params, tags: what the record has besides its settings.
    load: reads from the stage's folder, with the settings, what it hands on to the stages that stand on it; None: the
        result. hand_on: the same of a result that was just computed; None: that is loaded too.
    check: refuses, by an InputError, what it hands on where nothing can stand on that, though the result is kept.
    subject: what of the settings names its runs, besides the words that were given.
    kept: the copies of files in its folder by the settings, dotted, that named those.
    compare: the pictures of several results of it side by side, of their names and arrays; None: there are none.
    is_live: what its progress tells is a series of the record, step by step.
    shows: what is shown of it.
    """

    name: str
    result: type[R]
    reads: tuple[str, ...]
    compute: Callable[[Context], R]
    draw: Callable[[R, Drawing], "Pictures"]
    metrics: Callable[[R, Context], Metrics]
    shows: Shows
    upstream: tuple[str, ...]
    unread: tuple[str, ...] = ()
    named_by: tuple[str, ...] = ()
    seed: Callable[["Config"], int | None] = _no_seed
    split: Callable[["Config"], str | None] = _nothing_of_data
    inputs: Callable[["Config", Dataset], Mapping[str, Any]] = _nothing
    params: Callable[["Config", Dataset], Mapping[str, Any]] = _nothing
    tags: Callable[["Config"], Mapping[str, str]] = _nothing
    subject: Callable[["Config"], str] = _nameless
    load: Callable[[Path, "Config"], Any] | None = None
    hand_on: Callable[[R], Any] | None = None
    check: Callable[[Any], None] = _accepted
    kept: Callable[[Path], Mapping[str, Path]] = _nothing
    compare: Callable[[Sequence[str], Sequence[Mapping[str, Any]]], "Pictures"] | None = None
    is_live: bool = False

    def settings(self, config: "Config") -> dict[str, Any]:
        """Return the part of the settings that the result depends on, as plain values."""
        settings = {group: plain(getattr(config, group)) for group in self.reads}
        for name in self.unread:
            group, _, setting = name.partition(".")
            del settings[group][setting]
        return settings


def run_name(stages: Mapping[str, Stage[Any]], name: str, overrides: Sequence[str], subject: str = "") -> str:
    """Return a stage and what was set for it on the command line: what tells its runs apart.

    Args:
        stages: all there are, by name.
        overrides: the words of the command line.
        subject: see `Stage.subject`.
    """
    groups = {group for other in needed(stages, [name]) for group in stages[other].named_by}
    # a group stands for all settings in it
    said = re.compile(rf"\+*({'|'.join(map(re.escape, sorted(groups)))})[.=]")
    return " ".join([name, *filter(None, [subject]), *(word for word in overrides if groups and said.match(word))])


def needed(stages: Mapping[str, Stage[Any]], wanted: Iterable[str]) -> list[str]:
    """Return the wanted stages and all that they stand on, in the order of `stages`."""
    found = set(wanted)
    for name in wanted:
        found |= set(needed(stages, stages[name].upstream))
    return [name for name in stages if name in found]

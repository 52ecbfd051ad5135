"""python -m pipeline.compare RUN_A RUN_B [overrides]: a page about what two CNNs have in common, and what not.

Each is the id of a run in MLflow, the folder of a stage, that of a run with several stages, or the file of a model;
RUN@4 is the training of a run as it was after epoch 4, one of those that train.snapshots kept. Both trainings are taken
as they are, whatever has changed since; the other settings are those of the first, such as its data and its OIPs.
"""

import argparse
import contextlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from omegaconf import DictConfig, OmegaConf

from pipeline.commands.command import Command
from pipeline.commands.options import folder, runs_and_settings
from pipeline.commands.recorded_cnn import execute_alone, kept_in, stage_of, training_of, with_model
from pipeline.commands.recorded_config import at_hand, checked, recorded_settings
from pipeline.commands.recorded_run import Recorded, Said, cnn_stage_of, opened
from pipeline.engine import storage
from pipeline.engine.plan import PinnedResult
from pipeline.engine.stage import CNN_STAGES
from pipeline.runtime.errors import InputError
from pipeline.runtime.output import shown
from pipeline.settings import schema
from pipeline.settings.compose import compose
from pipeline.settings.config import Config
from pipeline.stages.registry import STAGES
from pipeline.sweeps import jobs

# The stage that this command makes.
COMPARE = "compare"
KEYS = ("RUN_A", "RUN_B")
# What the trainings do, which are there already.
OF_TRAINING = ("train.", "model.", "seed=")
# Which of the two the settings are of that nobody but this command gives.
OF_SIDE = {
    **dict.fromkeys(("model.path", "compare.epoch", "compare.snapshots"), KEYS[0]),
    **dict.fromkeys(("compare.other", "compare.other_epoch", "compare.other_snapshots"), KEYS[1]),
}


@dataclass(frozen=True)
class Side:
    """One of the two CNNs.

    name: what it is called; epoch: of its training, None for its end; model: the file; recorded: what was named,
    None for a file; training: the folder of its training, or of the CNN out of a file, and the run, None for a file.
    """

    name: str
    epoch: int | None
    model: Path
    recorded: Recorded | None = None
    training: PinnedResult | None = None

    @property
    def snapshots(self) -> str | None:
        """Return the file with the weights of its epochs, if it is of one of these."""
        if self.epoch is None or self.training is None:
            return None
        return str(self.training.folder / storage.SNAPSHOTS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two runs, and what shall be different."""
    for key, words in zip(KEYS, ("the first", "the second"), strict=True):
        what = (
            f"{words}: the id of a run in MLflow, the folder of a run or stage, or a model file; RUN@4: after epoch 4"
        )
        parser.add_argument(key.lower(), metavar=key, help=what)
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="setting=value", help="such as compare.layer=Conv2D_2"
    )
    parser.add_argument("--output-dir", type=folder, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--uri", help="of the MLflow server; default: the file in the output folder")


def execute(options: argparse.Namespace) -> int:
    """Make the page, and tell where it is."""
    runs, words = runs_and_settings([options.run_a, options.run_b, *options.overrides], KEYS)
    for word in words:
        if word.startswith("stages="):
            raise InputError(f"{word}: this command makes a comparison alone")
        # which is never taken out of a record
        if word.startswith(OF_TRAINING) and not word.startswith("model.custom="):
            raise InputError(
                f"{word}: the trainings are those of the runs; train another with python -m pipeline {word}"
            )
        if (key := word.partition("=")[0]) in OF_SIDE:
            if key.endswith("epoch"):
                raise InputError(f"{word}: an epoch is named behind the run, such as RUN@4")
            raise InputError(f"{word}: {' and '.join(KEYS)} say which files are looked at")
    with contextlib.ExitStack() as stack:
        first, second = (
            stack.enter_context(_side(key, run, options)) for key, run in zip(KEYS, runs, strict=True)
        )  # fmt: skip
        stack.enter_context(_renamed(OF_SIDE))
        composed = _composed(first, second, words)
        _set_sides(composed, first, second, words)
        _follow_layer(composed, words)
        composed.stages, composed.reuse = [COMPARE], True
        composed.output_dir, composed.tracking.uri = str(options.output_dir), options.uri
        given = first.recorded
        config = schema.to_config(composed) if given is None else checked(composed, given, words)
        run_dir = stack.enter_context(jobs.new_run_dir(Path(config.output_dir)))
        page = _run(config, run_dir, composed, first, words)
    print(f"open it in a browser: {shown(page)}")
    return 0


@contextlib.contextmanager
def _side(key: str, run: str, options: argparse.Namespace) -> Iterator[Side]:
    """Give the CNN that a word stands for, until the block is left."""
    with _renamed({"RUN": key}), contextlib.ExitStack() as stack:
        place, epoch = _with_epoch(run)
        file = Path(place).expanduser()
        if _is_file(file):
            if epoch is not None:
                got = f"{run}, the file of a model"
                raise InputError.at("RUN", takes="an epoch, @4, of a training, by its run or folder", got=got)
            side = Side(file.name, None, file.absolute())
        else:
            named = argparse.Namespace(run=place, output_dir=options.output_dir, uri=options.uri)
            recorded = stack.enter_context(
                opened(stage_of(place, (*CNN_STAGES, *STAGES)), options.output_dir, options.uri)
            )
            cnn = cnn_stage_of(recorded.folder)
            training = stack.enter_context(training_of(recorded, cnn, named))
            found = kept_in(stack.enter_context(with_model(training, named)), options)
            pinned = PinnedResult(found, training.run_id)
            model = _model_in(found, cnn)
            if epoch is not None and not (found / storage.SNAPSHOTS).is_file():
                takes = "a training that kept the weights of epochs, by train.snapshots=[...]"
                raise InputError.at("RUN", takes=takes, got=f"{run}, whose training kept none")
            side = Side(storage.load_record(found).name, epoch, model.absolute(), recorded, pinned)
        opened_for_it = stack.pop_all()
    with opened_for_it:
        yield side


def _model_in(folder: Path, cnn: str) -> Path:
    """Return the file of the model in the folder of a training, or of a CNN out of a file."""
    kept = STAGES[cnn].kept(folder)
    if {"model.path", "model.weights"} <= kept.keys():
        got = f"{folder}, with other weights; load them into the model, save it, and name that file"
        raise InputError.at("RUN", takes="a CNN whose weights are in its own file", got=got)
    return kept.get("model.path", folder / storage.MODEL)


def _with_epoch(run: str) -> tuple[str, int | None]:
    """Return a word without its @EPOCH, and the epoch."""
    if _exists(Path(run)):
        return run, None
    for at in re.finditer("@", run):
        place, behind = run[: at.start()], run[at.end() :]
        is_run = _exists(Path(place)) or re.fullmatch("[0-9a-f]{32}", place)
        if is_run and not re.fullmatch("[0-9]{1,9}", behind):
            raise InputError.at("RUN", takes="the number of an epoch behind @, such as RUN@4", got=repr(behind))
    match = re.fullmatch("(.+)@([0-9]{1,9})", run, re.DOTALL)
    return (run, None) if match is None else (match[1], int(match[2]))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


@contextlib.contextmanager
def _renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Say by another name what is refused: by RUN_A and RUN_B, which the user gave.

    Args:
        names: those to be said, by those that are said by themselves.
    """
    try:
        yield
    except InputError as error:
        key, _, said = str(error).partition(": ")
        if key not in names:
            raise
        raise InputError(f"{names[key]}: {said}") from error


def _composed(first: Side, second: Side, words: Sequence[str]) -> DictConfig:
    """Return the settings of the first run, but for what is given now; where it is a file, of today, and the data of
    the second."""
    if first.recorded is not None:
        composed = recorded_settings(first.recorded, words)
        assert first.training is not None
        at_hand(composed, first.training.folder, words)
        return composed
    from pipeline.settings.quoting import quoted_word

    # of a CNN without a convolution no layer is chosen by itself
    layers = [word.replace("compare.", "model.", 1) for word in words if word.startswith("compare.layer=")]
    file = ("model=file", f"stages=[{COMPARE}]", quoted_word("model.path", str(first.model), str), *layers)
    given = OmegaConf.structured(compose(*file, *words))
    composed = cast(DictConfig, OmegaConf.create(OmegaConf.to_container(given, enum_to_str=True)))
    if second.recorded is not None and not any(word.startswith(("data=", "data.")) for word in words):
        composed.data = recorded_settings(second.recorded, []).data
    return composed


def _set_sides(composed: DictConfig, first: Side, second: Side, words: Sequence[str]) -> None:
    """Let the settings name both CNNs."""
    settings = composed[COMPARE]
    settings.other = str(second.model)
    settings.epoch, settings.snapshots = first.epoch, first.snapshots
    settings.other_epoch, settings.other_snapshots = second.epoch, second.snapshots
    if not any(word.startswith("compare.names=") for word in words):
        settings.names = _names(first, second)


def _names(first: Side, second: Side) -> list[str]:
    """Return what the two are called; of files of one name as many folders as tell them apart."""
    if first.recorded is None and second.recorded is None and first.model != second.model:
        for count in range(1, 1 + max(len(side.model.parts) for side in (first, second))):
            names = ["/".join(side.model.parts[-count:]) for side in (first, second)]
            if names[0] != names[1]:
                return names
    return [first.name, second.name]


def _follow_layer(composed: DictConfig, words: Sequence[str]) -> None:
    """Let the layer be that of the OIPs of the record, unless one is chosen; of OIPs only how they are made counts."""
    if not any(word.startswith("compare.layer=") for word in words):
        composed[COMPARE].layer = composed.oip.layer
    for key in ("map_indices", "position", "direction"):
        composed.oip[key] = None


def _run(config: Config, run_dir: Path, composed: DictConfig, first: Side, words: Sequence[str]) -> Path:
    """Make the comparison; returns the page."""
    # the run is named by both CNNs, and by what is given now
    overrides = list(words) if first.recorded is None else first.recorded.said(words).overrides
    said = Said(overrides, named_by=[word for word in words if not word.startswith("compare.names=")])
    pinned = {}
    if first.training is not None:
        pinned[storage.load_record(first.training.folder).stage] = first.training
    made = execute_alone(config, run_dir, schema.to_text(composed), said, list(words), pinned)
    return made / STAGES[COMPARE].shows.look_at


main = Command(
    name="compare",
    about="a page about what two CNNs have in common, and what not, in one HTML file",
    add_arguments=add_arguments,
    example="outputs/runs/2026-01-31/12-00-00-000000 my.keras compare.layer=Conv2D_2",
    execute=execute,
    writes_to="--output-dir",
)

if __name__ == "__main__":
    sys.exit(main.run())

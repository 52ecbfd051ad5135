"""python -m pipeline.atlas RUN [overrides]: a page about every map of the CNN of a finished run.

RUN is the id of a run in MLflow, the folder of a stage, or that of a run with several stages. The training of that run
is taken as it is, whatever has changed since; so are its OIPs, where it has some and no setting of theirs is given.
"""

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig

from pipeline.commands.command import Command
from pipeline.commands.options import folder, run_and_settings
from pipeline.commands.recorded_cnn import execute_alone, kept_in, stage_of, training_of, with_model
from pipeline.commands.recorded_config import at_hand, checked, recorded_settings
from pipeline.commands.recorded_run import Recorded, cnn_stage_of, opened
from pipeline.engine import storage
from pipeline.engine.plan import PinnedResult
from pipeline.engine.stage import CNN_STAGES
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import whole_file
from pipeline.runtime.output import shown
from pipeline.settings import schema
from pipeline.settings.config import Config
from pipeline.stages.registry import STAGES
from pipeline.sweeps import jobs

# The stage that this command makes, and those whose recorded results it takes.
ATLAS, OIPS = "atlas", "oip"
FROM = (OIPS, *CNN_STAGES, ATLAS, *STAGES)
OUTPUT = "a file that is not there yet, in a folder that is"
# What OIPs that were made before depend on; what the training does, which is there already.
OF_OIPS, OF_TRAINING = ("oip.", "noise.", "data."), ("train.", "model.", "seed=")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the run, what shall be different, and where the page goes."""
    parser.add_argument("run", metavar="RUN", help="the id of a run in MLflow, or the folder of a run or stage")
    parser.add_argument("overrides", nargs="*", default=[], metavar="setting=value", help="such as oip.layer=Conv2D_2")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a copy of the page; there must be no such file")
    parser.add_argument("--output-dir", type=folder, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--uri", help="of the MLflow server; default: the file in the output folder")


def execute(options: argparse.Namespace) -> int:
    """Make the page, and tell where it is."""
    options.run, options.overrides = run_and_settings(options.run, options.overrides)
    if options.output is not None and (options.output.exists() or not options.output.parent.is_dir()):
        raise InputError.at("--output", takes=OUTPUT, got=str(options.output))
    for word in options.overrides:
        if word.startswith("stages="):
            raise InputError(f"{word}: this command makes an atlas alone")
        # which is never taken out of a record
        if word.startswith(OF_TRAINING) and not word.startswith("model.custom="):
            raise InputError(f"{word}: the training is that of the run; train another with python -m pipeline {word}")
    with contextlib.ExitStack() as stack:
        recorded = stack.enter_context(opened(stage_of(options.run, FROM), options.output_dir, options.uri))
        cnn = cnn_stage_of(recorded.folder)
        pinned = stack.enter_context(_pinned(recorded, cnn, options))
        composed = recorded_settings(recorded, options.overrides)
        at_hand(composed, kept_in(pinned[cnn].folder, options), options.overrides)
        _follow_layer(composed, options.overrides)
        composed.stages, composed.reuse = [ATLAS], True
        composed.output_dir, composed.tracking.uri = str(options.output_dir), options.uri
        config = checked(composed, recorded, options.overrides)
        run_dir = stack.enter_context(jobs.new_run_dir(Path(config.output_dir)))
        page = _run(config, run_dir, schema.to_text(composed), recorded, pinned, options)
    if options.output is not None:
        _copy_page(page, options.output)
        page = options.output
    print(f"open it in a browser: {shown(page)}")
    return 0


def _copy_page(page: Path, output: Path) -> None:
    """Copy the page, whole or not at all, and over nothing that has appeared there meanwhile."""
    try:
        with whole_file(output, replace=False) as draft:
            shutil.copyfile(page, draft)
    except FileExistsError:
        raise InputError.at("--output", takes=OUTPUT, got=f"{output}; the page is {page}") from None


def _follow_layer(composed: DictConfig, overrides: Sequence[str]) -> None:
    """Let all maps be wanted of another layer than that of the record, unless some are chosen, and its statistics."""
    chosen = {word.partition("=")[0] for word in overrides}
    if "statistics.layer" not in chosen:
        composed.statistics.layer = composed.oip.layer
    if "oip.layer" in chosen:
        for key in ("map_indices", "position", "direction"):
            if f"oip.{key}" not in chosen:
                composed.oip[key] = None


def _run(
    config: Config,
    run_dir: Path,
    composed: str,
    recorded: Recorded,
    pinned: dict[str, PinnedResult],
    options: argparse.Namespace,
) -> Path:
    """Make the atlas; returns the page."""
    # what names the run, as it did then
    said = recorded.said(options.overrides)
    made = execute_alone(config, run_dir, composed, said, options.overrides, pinned)
    if CNN_STAGES[0] in pinned:
        _compare_data(pinned[CNN_STAGES[0]].folder, made)
    return made / STAGES[ATLAS].shows.look_at


@contextlib.contextmanager
def _pinned(recorded: Recorded, cnn: str, options: argparse.Namespace) -> Iterator[dict[str, PinnedResult]]:
    """Give the results of the record that the atlas stands on, until the block is left.

    Args:
        cnn: the stage that has handed the CNN on.
    """
    with contextlib.ExitStack() as stack:
        training = stack.enter_context(training_of(recorded, cnn, options))
        pinned = {cnn: PinnedResult(stack.enter_context(with_model(training, options)), training.run_id)}
        if recorded.stage == OIPS and not any(word.startswith(OF_OIPS) for word in options.overrides):
            # those of another version lack something, and are made anew
            with contextlib.suppress(InputError):
                storage.load_result(STAGES[OIPS].result, recorded.folder)
                pinned[OIPS] = PinnedResult(recorded.folder, recorded.run_id)
        yield pinned


def _compare_data(training: Path, atlas: Path) -> None:
    """Say so if the data is not what the CNN was trained on."""
    then, today = (storage.load_ingredients(place).get("inputs", {}).get("data") for place in (training, atlas))
    if then != today:
        print("data: not what the CNN was trained on; the real images of the atlas are today's")


main = Command(
    name="atlas",
    about="a page about every map of the CNN of a finished run, in one HTML file",
    add_arguments=add_arguments,
    example="outputs/runs/2026-01-31/12-00-00-000000 --output maps.html oip.layer=Conv2D_2",
    execute=execute,
    writes_to="--output-dir, --output",
)

if __name__ == "__main__":
    sys.exit(main.run())

"""python -m pipeline.rerun RUN [overrides]: a stage again, from its record, and whether the results are the same bits.

RUN is the id of a run in MLflow, or the folder of a stage. Exit code 0: every array is bit-identical, or within
--tolerance; 1: something differs; 2: what was asked for cannot be done.
"""

import argparse
import contextlib
import json
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from pipeline.commands.command import Command
from pipeline.commands.options import folder, run_and_settings, tolerance
from pipeline.commands.recorded_cnn import kept_in
from pipeline.commands.recorded_config import at_hand, checked, recorded_settings
from pipeline.commands.recorded_run import Recorded, Said, cnn_stage_of, opened, stored_result
from pipeline.engine import provenance, storage
from pipeline.engine.differences import array_differences, ingredient_differences, process_differences
from pipeline.engine.folders import work_folder
from pipeline.engine.stage import CNN_STAGES
from pipeline.runtime.errors import InputError
from pipeline.runtime.output import keep_going
from pipeline.runtime.tensorflow import cpu_threads
from pipeline.settings import schema
from pipeline.sweeps import jobs
from pipeline.tracking.backend import default_uri


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the run, and what shall be different."""
    parser.add_argument("run", metavar="RUN", help="the id of a run in MLflow, or the folder of a stage")
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="setting=value", help="what shall be different this time"
    )
    parser.add_argument("--output-dir", type=folder, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--uri", help="of the MLflow server; default: the file in the output folder")
    parser.add_argument(
        "--tolerance", type=tolerance, default=0.0, metavar="X", help="largest difference that counts as the same (0)"
    )


def execute(options: argparse.Namespace) -> int:
    """Compute the stage again, and compare; return 1 if something differs."""
    options.run, options.overrides = run_and_settings(options.run, options.overrides)
    with contextlib.ExitStack() as stack:
        recorded = stack.enter_context(opened(options.run, options.output_dir, options.uri))
        wanted = [recorded]
        if recorded.upstream is not None:
            # it may not be there any more
            with contextlib.suppress(InputError):
                # first, as the other stands on it
                wanted.insert(0, stack.enter_context(opened(recorded.upstream, options.output_dir, options.uri)))
        composed = _composed(recorded, options)
        at_hand(composed, _kept_in(wanted[0], options), options.overrides)
        if recorded is not wanted[0]:
            at_hand(composed, kept_in(recorded.folder, options), options.overrides)
        config = checked(composed, recorded, options.overrides)
        process = provenance.describe_process(
            options.overrides, threads=cpu_threads(config.runtime), deterministic=config.runtime.deterministic
        )
        for line in process_differences(recorded.described["process"], process):
            print(line, flush=True)
        run_dir = stack.enter_context(jobs.new_run_dir(Path(config.output_dir)))
        # what names the run, as it did then
        said = recorded.said(options.overrides)
        _run(composed, run_dir, said, options, training_threads=_training_threads(wanted, options))
        same = [_compare(then, run_dir / then.stage, options) for then in wanted]
    return 0 if all(same) else 1


def _kept_in(recorded: Recorded, options: argparse.Namespace) -> Path | None:
    """Return the folder that keeps the files of a CNN: in the store, where it stays, else that of the record."""
    try:
        name = cnn_stage_of(recorded.folder)
    except InputError:
        return None
    is_it = recorded.stage == name
    key = recorded.described["record"]["key"] if is_it else storage.load_upstream(recorded.folder).get(name)
    return stored_result(options.output_dir, name, key) or (recorded.folder if is_it else None)


def _training_threads(wanted: Sequence[Recorded], options: argparse.Namespace) -> int | None:
    """Return the threads of the training that a stage stands on, if they were others than its own.

    Another number of them gives other bits, and a process has one number for all it does.
    """
    if len(wanted) < 2 or any(word.startswith("runtime.threads=") for word in options.overrides):
        return None
    if wanted[0].stage != CNN_STAGES[0]:
        # nothing is computed of a CNN out of a file
        return None
    training, stage = (recorded.described["process"]["threads"] for recorded in wanted)
    return training if training is not None and training != stage else None


def _composed(recorded: Recorded, options: argparse.Namespace) -> DictConfig:
    """Return the settings of the record, but for what is given now; without reuse, for this stage alone."""
    for word in options.overrides:
        if word.partition("=")[0] == "stages":
            raise InputError(f"{word}: the stage is that of the record; its folder or run says which")
    given = recorded_settings(recorded, options.overrides)
    given.stages, given.reuse = [recorded.stage], False
    given.output_dir, given.tracking.uri = str(options.output_dir), options.uri
    return given


def _run(
    composed: DictConfig,
    run_dir: Path,
    said: Said,
    options: argparse.Namespace,
    *,
    training_threads: int | None,
) -> None:
    """Compute the stage, and the training before it: where that had other threads in a process of its own, whose result
    the stage finds in a store that holds nothing else."""
    text = schema.to_text(composed)
    with jobs.attempt(run_dir, options.overrides) as attempt, contextlib.ExitStack() as stack:
        assert attempt is not None
        if training_threads is None:
            stages = _compute(text, run_dir, said, options)
        else:
            store = stack.enter_context(work_folder(run_dir))
            composed.reuse, composed.output_dir = True, str(store)
            composed.tracking.uri = options.uri or default_uri(options.output_dir)
            training = OmegaConf.merge(composed, {"stages": [CNN_STAGES[0]], "runtime": {"threads": training_threads}})
            process = multiprocessing.get_context("spawn").Process(
                target=_compute, args=(schema.to_text(cast(DictConfig, training)), run_dir, said, options)
            )
            process.start()
            process.join()
            if process.exitcode:
                raise InputError(f"the training could not be computed again: exit code {process.exitcode}")
            stages = _compute(schema.to_text(composed), run_dir, said, options)
        attempt.end(jobs.FINISHED, stages=stages)


def _compute(composed: str, run_dir: Path, said: Said, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    # late: it is not needed to refuse
    from pipeline.commands.execute import run

    # the training may have a process of its own
    keep_going()
    config = schema.to_config(cast(DictConfig, OmegaConf.create(composed)))
    # of a folder as much as tells it apart, such as 2026-01-31/12-00-00-000000/oip
    tags = {"rerun_of": "/".join(Path(options.run).resolve().parts[-3:]) if Path(options.run).exists() else options.run}
    outcomes = run(config, run_dir, composed=composed, overrides=said.overrides, named_by=said.named_by, tags=tags)
    return {name: outcome.described() for name, outcome in outcomes.items()}


def _compare(recorded: Recorded, folder: Path, options: argparse.Namespace) -> bool:
    """Tell whether a stage's results are the same; True if so."""
    today = json.loads((folder / storage.RECORD).read_text(encoding="utf-8"))
    for line in ingredient_differences(recorded.described.get("ingredients", {}), today["ingredients"]):
        print(line)
    then: Mapping[str, str] = recorded.described["digests"]
    now: Mapping[str, str] = today["digests"]
    if then == now:
        print(f"{recorded.stage:<12} bit-identical, {len(now)} arrays")
        return True
    recorded_arrays = storage.load_saved(recorded.folder, then)
    stored = stored_result(options.output_dir, recorded.stage, recorded.described["record"]["key"])
    if stored is not None:
        # MLflow keeps a model elsewhere
        recorded_arrays = storage.load_saved(stored, then) | recorded_arrays
    found = array_differences(then, now, recorded_arrays, storage.load_saved(folder, now))
    within = all(difference.within(options.tolerance) for difference in found)
    verdict = f"the same within {options.tolerance:g}" if within else "not the same"
    print(f"{recorded.stage:<12} {verdict}, {len(found)} of {len(now)} arrays differ")
    for difference in found:
        print(f"{'':<12} {difference}")
    return within


main = Command(
    name="rerun",
    about="compute a recorded stage again, and say whether the results are the same bits",
    add_arguments=add_arguments,
    example="outputs/runs/2026-01-31/12-00-00-000000/oip --output-dir again oip.steps=100",
    execute=execute,
    writes_to="--output-dir",
)

if __name__ == "__main__":
    sys.exit(main.run())

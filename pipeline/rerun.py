"""python -m pipeline.rerun RUN [overrides]: a stage again, from its record, and whether the results are the same bits.

RUN is the id of a run in MLflow, or the folder of a stage. Exit code 0: every array is bit-identical, or within
--tolerance; 1: something differs; 2: what was asked for cannot be done.
"""

import argparse
import contextlib
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pipeline import comparison, jobs, provenance, schema, storage
from pipeline.__main__ import compose
from pipeline.config import Config, Stage, TrackingBackend, TrackingConfig
from pipeline.errors import InputError
from pipeline.runtime import cpu_threads
from pipeline.tracking.fetching import fetched

CONFIG = "config.yaml"
UPSTREAM = f"upstream.{Stage.train.value}"


@dataclass(frozen=True)
class Recorded:
    """A stage as it was recorded. described: its stage.json; upstream: the run or folder of its training."""

    folder: Path
    described: dict[str, Any]
    upstream: str | None

    @property
    def stage(self) -> str:
        """Its name."""
        return Stage(self.described["record"]["stage"]).value


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    about = "compute a recorded stage again, and say whether the results are the same bits"
    parser = argparse.ArgumentParser("python -m pipeline.rerun", description=about)
    parser.add_argument("run", metavar="RUN", help="the id of a run in MLflow, or the folder of a stage")
    parser.add_argument("overrides", nargs="*", metavar="setting=value", help="what shall be different this time")
    parser.add_argument("--output-dir", type=Path, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--uri", help="of the MLflow server; default: the file in the output folder")
    parser.add_argument(
        "--tolerance", type=float, default=0.0, metavar="X", help="largest difference that counts as the same (0)"
    )
    options = parser.parse_args(arguments)
    try:
        if not options.tolerance >= 0:
            raise InputError.at("--tolerance", takes="a number of at least 0", got=options.tolerance)
        return _rerun(options)
    except InputError as error:
        print(f"mnist-dream: {error}", file=sys.stderr)
        return 2


def _rerun(options: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        recorded = stack.enter_context(_recorded(options.run, options))
        composed = _composed(recorded, options)
        config = schema.to_config(composed)
        process = provenance.describe_process(
            options.overrides, threads=cpu_threads(config.runtime), deterministic=config.runtime.deterministic
        )
        for line in comparison.process_differences(recorded.described["process"], process):
            print(line, flush=True)
        run_dir = Path(config.output_dir) / "runs" / datetime.now().strftime("%Y-%m-%d/%H-%M-%S-%f")
        _run(config, run_dir, OmegaConf.to_yaml(composed, resolve=True), options)
        wanted = [recorded]
        if recorded.upstream is not None:
            # it may not be there any more
            with contextlib.suppress(InputError):
                # first, as the other stands on it
                wanted.insert(0, stack.enter_context(_recorded(recorded.upstream, options)))
        same = [_compare(then, run_dir / then.stage, options.tolerance) for then in wanted]
    return 0 if all(same) else 1


@contextlib.contextmanager
def _recorded(run: str, options: argparse.Namespace) -> Iterator[Recorded]:
    folder = Path(run).absolute()
    if folder.is_dir():
        training = folder.parent / Stage.train.value
        yield _read(folder, str(training) if training != folder and training.is_dir() else None)
        return
    tracking = TrackingConfig(backend=TrackingBackend.mlflow, uri=options.uri, experiment="mnist-dream")
    with fetched(tracking, options.output_dir, run) as (folder, tags):
        yield _read(folder, tags.get(UPSTREAM))


def _read(folder: Path, upstream: str | None) -> Recorded:
    try:
        described = json.loads((folder / storage.RECORD).read_text())
        recorded = Recorded(folder, described, upstream)
        _ = recorded.stage, described["process"]["threads"], described["digests"], (folder / CONFIG).read_text()
    except (OSError, ValueError, KeyError, TypeError) as error:
        takes = f"a stage with a whole {storage.RECORD} and {CONFIG}"
        raise InputError.at("RUN", takes=takes, got=f"{folder}: {type(error).__name__}: {error}") from error
    return recorded


def _composed(recorded: Recorded, options: argparse.Namespace) -> DictConfig:
    """The settings of the record, but for what is given now; without reuse, for this stage alone."""
    given = OmegaConf.load(recorded.folder / CONFIG)
    assert isinstance(given, DictConfig)
    for key in schema.fill(given, OmegaConf.structured(compose())):
        value = OmegaConf.select(given, key)
        print(f"{key}: not in the record; {value.value if isinstance(value, Enum) else value} today")
    if given.runtime.threads is None:
        # the record may be of another machine, which had others
        given.runtime.threads = recorded.described["process"]["threads"]
    for word in options.overrides:
        key, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"{word}: takes the form setting=value")
        schema.check_key(key)
        value = OmegaConf.create(f"value: {text}").value
        schema.check_value(key, value)
        OmegaConf.update(given, key, value)
    given.stages, given.reuse = [recorded.stage], False
    given.output_dir, given.tracking.uri = str(options.output_dir), options.uri
    return given


def _run(config: Config, run_dir: Path, composed: str, options: argparse.Namespace) -> None:
    # late: it is not needed to refuse
    from pipeline.run import run

    run_dir.mkdir(parents=True)
    with jobs.attempt(run_dir, options.overrides, provenance.digest(composed), again=True) as attempt:
        assert attempt is not None
        tags = {"rerun_of": Path(options.run).name}
        outcomes = run(config, run_dir, composed=composed, overrides=options.overrides, tags=tags)
        attempt.end(jobs.FINISHED, stages={stage.value: outcome.described() for stage, outcome in outcomes.items()})


def _compare(recorded: Recorded, folder: Path, tolerance: float) -> bool:
    """Tell whether a stage's results are the same; True if so."""
    today = json.loads((folder / storage.RECORD).read_text())
    for line in comparison.ingredient_differences(recorded.described.get("ingredients", {}), today["ingredients"]):
        print(line)
    then: Mapping[str, str] = recorded.described["digests"]
    now: Mapping[str, str] = today["digests"]
    if then == now:
        print(f"{recorded.stage:<12} bit-identical, {len(now)} arrays")
        return True
    arrays = storage.load_saved(recorded.folder, then), storage.load_saved(folder, now)
    found = comparison.differences(then, now, *arrays)
    within = all(difference.within(tolerance) for difference in found)
    verdict = f"the same within {tolerance:g}" if within else "not the same"
    print(f"{recorded.stage:<12} {verdict}, {len(found)} of {len(now)} arrays differ")
    for difference in found:
        print(f"{'':<12} {difference}")
    return within


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="mnist-dream: %(message)s")
    sys.exit(main())

"""What a sweep takes from Hydra: its launcher, its log, the folder of a job, and modules that lie about."""

import json
from pathlib import Path

import pytest
from commands import SMOKE, execute, pipeline, succeeded
from test_sweeps import QUICK, digests, sweep_folder

from pipeline.sweeps.jobs import read

TWO = "noise=long,short"


def experiment(folder: Path, name: str, *lines: str) -> str:
    """A file of settings of the user's, and the word that says where it lies."""
    file = folder / "mine" / "experiment" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(("# @package _global_", *lines, "")))
    return f"--config-dir={folder / 'mine'}"


def test_two_jobs_get_no_folder_together(tmp_path: Path) -> None:
    process = pipeline(tmp_path, *QUICK, TWO, "hydra.sweep.subdir=same")
    assert process.returncode == 2
    takes = "another folder for every job: ${hydra.job.num}"
    assert process.stderr == f"mnist-dream: hydra.sweep.subdir: takes {takes}; got same\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "swept"),
    [(("seed=0,1", "hydra.sweep.dir=outputs/${seed}"), "seed"), (("output_dir=one,two",), "output_dir")],
)
def test_a_sweep_has_one_folder(tmp_path: Path, words: tuple[str, ...], swept: str) -> None:
    process = pipeline(tmp_path, *QUICK, *words)
    assert process.returncode == 2
    takes = "one folder for all jobs; hydra.sweep.subdir is that of a job"
    assert process.stderr.startswith(f"mnist-dream: hydra.sweep.dir: takes {takes}; got ")
    assert process.stderr.endswith(f", and {swept} is swept\n")
    assert list(tmp_path.iterdir()) == []


def test_a_job_leaves_the_folder_of_another_as_it_is(trained_here: Path) -> None:
    process = pipeline(trained_here, *QUICK, TWO, "hydra.sweep.subdir=${seed}")
    assert process.returncode == 1
    assert "sweep        2 jobs: 1 finished, 1 missing" in process.stdout
    (refused,) = [line for line in process.stderr.splitlines() if "hydra.sweep.subdir" in line]
    assert "another folder for every job" in refused
    assert "noise=long" in refused
    (job,) = sweep_folder(trained_here).glob("*/job.json")
    told = read(job.parent)
    assert told is not None
    assert told.state == "finished"
    assert "noise=long" in told.overrides
    assert digests(job.parent)


def test_a_single_job_may_lie_anywhere(trained_here: Path) -> None:
    succeeded(pipeline(trained_here, *QUICK, "noise=long", "hydra.sweep.subdir=here"))
    assert (sweep_folder(trained_here) / "here" / "oip" / "stage.json").is_file()


def test_settings_of_ones_own_choose_the_launcher(trained_here: Path) -> None:
    own = experiment(trained_here, "mine", "defaults:", "  - smoke", "  - override /hydra/launcher: basic")
    words = [word for word in QUICK if word != "experiment=smoke"]
    succeeded(pipeline(trained_here, own, *words, "experiment=mine", TWO))
    assert json.loads((sweep_folder(trained_here) / "sweep.json").read_text())["launcher"] == "basic"


def test_settings_that_are_swept_cannot_choose_it(trained_here: Path) -> None:
    own = experiment(trained_here, "one", "defaults:", "  - smoke", "  - override /hydra/launcher: basic")
    experiment(trained_here, "two", "defaults:", "  - smoke")
    words = [word for word in QUICK if word != "experiment=smoke"]
    process = pipeline(trained_here, own, *words, "experiment=two,one")
    assert process.returncode == 1
    assert "2 jobs: 1 finished, 1 missing" in process.stdout
    takes = "one launcher for all jobs of a sweep, on the command line: hydra/launcher=basic"
    assert f"mnist-dream: hydra/launcher: takes {takes}; got basic, by the settings of one job" in process.stderr


@pytest.mark.parametrize("logging", ["disabled", "none", "stdout"])
def test_hydras_own_logs_can_be_chosen(trained_here: Path, logging: str) -> None:
    succeeded(pipeline(trained_here, *SMOKE, "stages=[train]", f"hydra/job_logging={logging}"))
    assert not list(trained_here.glob("outputs/runs/*/*[0-9]/mnist-dream*.log"))


def test_workers_take_no_file_of_the_current_folder_for_a_module(trained_here: Path) -> None:
    for name in ("queue", "numpy", "pipeline"):
        (trained_here / f"{name}.py").write_text("raise SystemExit('not this one')\n")
    # as the installed command does not look for modules there either
    command = ("-P", "-m", "pipeline", *QUICK, TWO, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    process = execute(trained_here, *command, fresh=True)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, output + errors
    assert "2 jobs: 2 finished" in output
    assert "not this one" not in errors

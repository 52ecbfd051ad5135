"""Sweeps with every launcher, for real: the same bits, the documented threads, a record of every job."""

import json
import tempfile
import warnings
from pathlib import Path

import psutil
import pytest
from commands import arrays, pipeline, start, succeeded, wait_for
from omegaconf import OmegaConf
from slurm import one_node_slurm, why_not
from templates import copy_of

from pipeline.runtime.errors import InputError
from pipeline.runtime.tensorflow import cpu_threads
from pipeline.settings import plugins
from pipeline.settings.process import RuntimeConfig
from pipeline.sweeps import launchers
from pipeline.sweeps.objective_value import check_has_objective_value

SMALL = ("experiment=smoke", "data.limit=60", "oip.steps=4", "oip.xla=false")
ONE_OIP = (*SMALL, "stages=[oip]", "oip.map_indices=[0]")
OIPS = (*ONE_OIP, "noise=long,short,mixed")
# where each job is a process of its own, of ten seconds
TWO_OIPS = (*ONE_OIP, "noise=long,short")


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """One for a test alone, in which the CNN was trained that all jobs share."""
    return copy_of(trained, tmp_path / "here")


@pytest.fixture(scope="module")
def one_by_one(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The jobs of OIPS by Hydra's own launcher, with one thread."""
    folder = copy_of(trained, tmp_path_factory.mktemp("one_by_one") / "here")
    return sweep(folder, *OIPS, "runtime.threads=1")


def sweep(folder: Path, *overrides: str) -> list[Path]:
    """The folders of the jobs, complete."""
    succeeded(pipeline(folder, "-m", *overrides))
    latest = max((folder / "outputs" / "multirun").glob("*/*"))
    jobs = sorted(path for path in latest.iterdir() if path.name.isdigit())
    for job in jobs:
        for file in ("oip/oip.npz", "oip/contact_sheet.png", "oip/config.yaml", ".hydra/config.yaml"):
            assert (job / file).is_file(), file
    return jobs


def check(jobs: list[Path], one_by_one: list[Path], *, threads: int) -> None:
    """Complete, recorded, computed with so many threads, and the same bits as one by one."""
    assert [job.name for job in jobs] == [job.name for job in one_by_one]
    for job, other in zip(jobs, one_by_one, strict=True):
        assert threads_of(job) == [threads] * 3
        ours, theirs = arrays(job), arrays(other)
        assert ours.keys() == theirs.keys()
        for name, array in ours.items():
            assert array.tobytes() == theirs[name].tobytes(), name
    assert statuses(jobs[0].parents[4]) == ["FINISHED"] * len(jobs)


def threads_of(job: Path) -> list[int | None]:
    """As the process said, as the stage recorded its settings, as the folder says how to repeat the job."""
    recorded = json.loads((job / "oip" / "stage.json").read_text())["process"]["threads"]
    settings = [OmegaConf.load(job / file).runtime.threads for file in ("oip/config.yaml", ".hydra/config.yaml")]
    return [recorded, *settings]


def statuses(folder: Path) -> list[str]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name("mnist-dream/oip")
    return [run.info.status for run in client.search_runs([experiment.experiment_id])]


def most_at_once(jobs: list[Path]) -> int:
    """How many of the jobs ran at the same moment at most, by what they tell of themselves."""
    told = [json.loads((job / "job.json").read_text()) for job in jobs]
    return max(sum(job["begun"] <= moment["begun"] < job["ended"] for job in told) for moment in told)


def test_by_itself_a_sweep_takes_all_threads_one_job_after_the_other(folder: Path) -> None:
    jobs = sweep(folder, *OIPS)
    every = cpu_threads(RuntimeConfig(threads=None, deterministic=True))
    assert [threads_of(job) for job in jobs] == [[every, None, None]] * 3
    assert most_at_once(jobs) == 1
    assert statuses(folder) == ["FINISHED"] * 3


def test_joblib(folder: Path, one_by_one: list[Path]) -> None:
    jobs = sweep(folder, *OIPS, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    check(jobs, one_by_one, threads=1)
    assert most_at_once(jobs) <= 2


def test_the_workers_of_a_joblib_sweep_end_when_its_command_is_killed(folder: Path) -> None:
    process = start(folder, "pipeline", "-m", *OIPS, "tracking=none", "hydra/launcher=joblib")
    wait_for(lambda: list(folder.glob("outputs/multirun/*/*/*/job.json")), process)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []


def test_submitit_local_starts_no_more_jobs_than_it_may(folder: Path, one_by_one: list[Path]) -> None:
    jobs = sweep(folder, *TWO_OIPS, "hydra/launcher=submitit_local", "hydra.launcher.jobs_at_once=1")
    check(jobs, one_by_one[:2], threads=1)
    assert most_at_once(jobs) == 1


def test_submitit_slurm(folder: Path, one_by_one: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(f"a Slurm of one node cannot be started here: {reason}")
    with tempfile.TemporaryDirectory(prefix="slurm-") as place, one_node_slurm(Path(place)) as config:
        monkeypatch.setenv("SLURM_CONF", str(config))
        limits = ("hydra.launcher.mem_gb=2", "hydra.launcher.array_parallelism=1")
        jobs = sweep(folder, *TWO_OIPS, "hydra/launcher=submitit_slurm", *limits)
        check(jobs, one_by_one[:2], threads=1)
        assert most_at_once(jobs) == 1
        assert "%1\n" in next(jobs[0].parent.glob(".submitit/*/*_submission.sh")).read_text()
        other = (*ONE_OIP, "oip.steps=5")
        (wide,) = sweep(folder, *other, "hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=2")
        assert threads_of(wide) == [2] * 3


def test_ray_on_a_cluster_of_its_own(folder: Path, one_by_one: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    # Ray keeps a key in the user's home; the paths of its sockets must be short
    monkeypatch.setenv("HOME", str(folder))
    with tempfile.TemporaryDirectory(prefix="ray-") as place:
        own = (f"+hydra.launcher.ray.init._temp_dir={place}", "hydra.launcher.ray.init.num_cpus=1")
        jobs = sweep(folder, *TWO_OIPS, "hydra/launcher=ray", *own)
        check(jobs, one_by_one[:2], threads=1)
        assert most_at_once(jobs) == 1
        sessions = list(Path(place).glob("session_*/logs"))
        assert sessions
        assert not list(Path(place).rglob("usage_stats.json"))
        ended = [
            process for process in psutil.process_iter(["cmdline"]) if place in " ".join(process.info["cmdline"] or ())
        ]
        _, alive = psutil.wait_procs(ended, timeout=60)
        assert alive == []


def trials(folder: Path) -> list[tuple[str, dict[str, object], float]]:
    import optuna

    with warnings.catch_warnings():
        # of the words in which the plugin wrote it down
        warnings.simplefilter("ignore", FutureWarning)
        study = optuna.load_study(study_name="mnist-dream", storage=f"sqlite:///{folder}/outputs/optuna.db")
        found = study.trials
    return [(trial.state.name, trial.params, trial.value) for trial in found]


def test_optuna_continues_a_study_of_oip_and_noise_settings(folder: Path) -> None:
    ranges = ("oip.step_size=interval(0.5,4)", "noise=long,short,mixed")
    command = (*ONE_OIP, *ranges, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2")
    first = sweep(folder, *command)
    begun = trials(folder)
    assert [state for state, _, _ in begun] == ["COMPLETE"] * 2
    # in processes of their own, with as many threads as are given
    second = sweep(folder, *command, "hydra/launcher=joblib", "hydra.sweeper.n_jobs=2", "runtime.threads=2")
    assert [threads_of(job) for job in second] == [[2] * 3] * 2
    found = trials(folder)
    assert found[:2] == begun
    assert [state for state, _, _ in found[2:]] == ["COMPLETE"] * 2
    assert len({params["oip.step_size"] for _, params, _ in found}) == 4
    for job, (_, params, value) in zip([*first, *second], found, strict=True):
        assert OmegaConf.load(job / "oip" / "config.yaml").oip.step_size == params["oip.step_size"]
        record = json.loads((job / "oip" / "stage.json").read_text())["record"]
        assert value == record["metrics"]["mean_activation"]


def test_optuna_over_train_settings_makes_the_test_accuracy_large(tmp_path: Path) -> None:
    ranges = ("train.learning_rate.initial=tag(log,interval(0.0001,0.01))", "train.batch_size=16,32")
    command = (*SMALL, "stages=[train]", *ranges, "tracking=none", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2")
    process = pipeline(tmp_path, "-m", *command)
    succeeded(process)
    assert "Warning" not in process.stderr
    jobs = sorted((tmp_path / "outputs" / "multirun").glob("*/*/?/train/stage.json"))
    accuracies = [json.loads(job.read_text())["record"]["metrics"]["final_test_accuracy"] for job in jobs]
    assert [value for _, _, value in trials(tmp_path)] == accuracies


def test_a_job_that_fails_is_a_failed_trial_and_the_study_goes_on(folder: Path) -> None:
    command = (*SMALL, "stages=[oip]", "oip.map_indices=[500],[56]", "tracking=none", "hydra/sweeper/sampler=grid")
    process = pipeline(folder, "-m", "hydra/sweeper=optuna", *command, "hydra.sweeper.n_trials=2")
    assert process.returncode == 1, process.stderr
    assert sorted(state for state, _, _ in trials(folder)) == ["COMPLETE", "FAIL"]


def test_optuna_refuses_stages_without_a_figure(tmp_path: Path) -> None:
    process = pipeline(tmp_path, "-m", "stages=[dream]", "seed=range(0,5)", "hydra/sweeper=optuna")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line == "mnist-dream: stages: takes for Optuna, stages of which the last is train or oip; got [dream]"
    check_has_objective_value(["oip", "train"])
    with pytest.raises(InputError, match="stages: takes"):
        check_has_objective_value([])


@pytest.mark.parametrize(
    ("threads", "launcher", "settings", "expected"),
    [
        (None, "in_order", {}, None),
        (None, "basic", {}, None),
        (3, "basic", {}, 3),
        (None, "joblib", {"n_jobs": 4}, 1),
        (3, "joblib", {"n_jobs": 4}, 3),
        (None, "submitit_slurm", {"cpus_per_task": 4}, 4),
        (None, "submitit_slurm", {"cpus_per_task": None}, 1),
        (2, "submitit_slurm", {"cpus_per_task": 4}, 2),
    ],
)
def test_threads_of_a_job(threads, launcher, settings, expected) -> None:
    assert launchers.threads_of_job(threads, launcher=launcher, settings=settings) == expected


def test_jobs_at_once_are_bounded_by_cores_and_memory() -> None:
    assert launchers.jobs_at_once(1e-6) == len(psutil.Process().cpu_affinity())
    assert launchers.jobs_at_once(1e6) == 1


def test_a_launcher_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.check_installed("hydra/launcher", "joblib")
    plugins.check_installed("noise", "long")
    monkeypatch.setitem(plugins.PLUGINS["hydra/launcher"], "joblib", "hydra-lacking-launcher")
    with pytest.raises(InputError, match="hydra/launcher: takes joblib where hydra-lacking-launcher is installed"):
        plugins.check_installed("hydra/launcher", "joblib")

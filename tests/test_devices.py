"""GPUs: which a process sees, which it takes, and what TensorFlow is told of them. There need be none here.

The numbers of GPUs are given by CUDA_VISIBLE_DEVICES, as a user gives them; what is left without one is the computing.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from commands import ROOT, pipeline, succeeded
from templates import copy_of

from pipeline.runtime.devices import VISIBLE, take_gpu, visible_gpus
from pipeline.sweeps import launchers

SMALL = ("experiment=smoke", "data.limit=60", "oip.steps=4", "oip.xla=false", "stages=[oip]", "oip.map_indices=[0]")


@pytest.mark.parametrize(
    ("named", "gpus"),
    [
        ("0,1", ["0", "1"]),
        (" 3 , 1", ["3", "1"]),
        ("GPU-8932f937,MIG-GPU-4a/1/0", ["GPU-8932f937", "MIG-GPU-4a/1/0"]),
        # as CUDA reads it: what follows one that is none is not seen
        ("0,-1,1", ["0"]),
        ("-1", []),
        ("", []),
        (None, ["0", "1"]),
    ],
)
def test_a_process_sees_the_gpus_that_it_is_given_or_all(monkeypatch, tmp_path: Path, named, gpus) -> None:
    # what the driver has for two GPUs
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-modeset"):
        (tmp_path / name).touch()
    monkeypatch.delenv(VISIBLE, raising=False)
    if named is not None:
        monkeypatch.setenv(VISIBLE, named)
    assert visible_gpus(tmp_path) == gpus


def test_as_many_jobs_as_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    for named, jobs in (("0,1,2", 3), ("5", 1), ("", 8)):
        monkeypatch.setenv(VISIBLE, named)
        # of so little memory that it does not decide
        assert launchers.jobs_at_once(1e-6) == jobs


def taken(folder: Path, named: str) -> subprocess.Popen[str]:
    """A process that takes a GPU, says which, and lives until it is told to end."""
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom pipeline.runtime.devices import take_gpu\n"
        "take_gpu(Path(sys.argv[1]))\nprint(os.environ['CUDA_VISIBLE_DEVICES'], flush=True)\nsys.stdin.read()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT, env={**os.environ, VISIBLE: named}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_processes_share_the_gpus_evenly_until_they_end(tmp_path: Path) -> None:
    processes: list[subprocess.Popen[str]] = []

    def next_gpu(named: str = "2,7,MIG-a/1") -> str:
        processes.append(process := taken(tmp_path / "locks", named))
        assert process.stdout is not None
        return process.stdout.readline().strip()

    try:
        assert [next_gpu() for _ in range(5)] == ["2", "7", "MIG-a/1", "2", "7"]
        # its GPU is given back, however it ends
        processes[1].kill()
        processes[1].wait(60)
        assert next_gpu() == "7"
        # no choice, nothing to take
        assert [next_gpu("2"), next_gpu("")] == ["2", ""]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_where_files_know_no_locks_a_process_keeps_all_gpus(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file")
    monkeypatch.setenv(VISIBLE, "0,1")
    take_gpu(tmp_path / "locks")
    assert os.environ[VISIBLE] == "0,1"


def test_tensorflow_takes_the_first_gpu_and_of_its_memory_what_it_needs() -> None:
    """By what it would tell the device; two GPUs are put into its list of them, as there are none here."""
    program = (
        "import tensorflow as tf\nfrom tensorflow.python.eager import context as eager\n"
        "context = eager.context()\ntf.config.list_physical_devices()\n"
        "gpus = [eager.PhysicalDevice(f'/physical_device:GPU:{n}', 'GPU') for n in (0, 1)]\n"
        "for gpu in gpus:\n    context._physical_devices.append(gpu)\n    context._visible_device_list.append(gpu)\n"
        "    context._physical_device_to_index[gpu] = int(gpu.name[-1])\n    context._memory_growth_map[gpu] = None\n"
        "from pipeline import compose\nfrom pipeline.runtime.tensorflow import start_tensorflow\n"
        "start_tensorflow(compose().runtime)\n"
        "options = context.config.gpu_options\nprint(options.allow_growth, options.visible_device_list)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "0"]


def test_a_process_that_computes_already_keeps_its_devices() -> None:
    """Two CPUs in place of GPUs, of which it has the second; the next job of a sweep begins in it."""
    program = (
        "import tensorflow as tf\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
        "with tf.device('CPU:1'):\n    x = tf.ones(3)\n"
        "from pipeline import compose\nfrom pipeline.runtime.devices import gpu_names, has_gpu\n"
        "from pipeline.runtime.tensorflow import start_tensorflow\n"
        "start_tensorflow(compose('runtime.threads=null').runtime)\n"
        "print(x.device[-5:], len(tf.config.list_logical_devices('CPU')), has_gpu(), gpu_names())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["CPU:1", "2", "False", "[]"]


def recorded(sweep: Path) -> list[dict]:
    """What the OIPs of each job say of their process."""
    return [json.loads(file.read_text())["process"] for file in sorted(sweep.glob("[01]/oip/stage.json"))]


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the processes of the test know of each other, but no others of this machine."""
    (folder := tmp_path / "locks").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.process
@pytest.mark.parametrize(
    ("launcher", "gpus"),
    [
        (("joblib", "hydra.launcher.n_jobs=2"), ("4", "6")),
        (("joblib", "hydra.launcher.n_jobs=1"), ("4",)),
        (("submitit_local", "hydra.launcher.jobs_at_once=2"), ("4", "6")),
        (("submitit_local", "hydra.launcher.gpus_per_node=0"), ("",)),
        (("in_order",), ("4,6",)),
    ],
    ids=" ".join,
)
def test_jobs_side_by_side_have_a_gpu_each(
    trained: Path, tmp_path: Path, locks: Path, monkeypatch, launcher: tuple[str, ...], gpus: tuple[str, ...]
) -> None:
    monkeypatch.setenv(VISIBLE, "4,6")
    folder = copy_of(trained, tmp_path / "here")
    words = ("noise=long,short", "tracking=none", f"hydra/launcher={launcher[0]}", *launcher[1:])
    succeeded(pipeline(folder, "-m", *SMALL, *words, fresh=True))
    (sweep,) = folder.glob("outputs/multirun/*/*")
    seen = recorded(sweep)
    assert {process["environment"][VISIBLE] for process in seen} == set(gpus)
    # what is recorded are those that TensorFlow has found
    assert [process["gpus"] for process in seen] == [[], []]


@pytest.mark.process
def test_a_job_of_ray_takes_a_gpu_too(trained: Path, tmp_path: Path, locks: Path, monkeypatch) -> None:
    monkeypatch.setenv(VISIBLE, "4,6")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = copy_of(trained, tmp_path / "here")
    # the paths of Ray's sockets must be short
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as place:
        words = ("tracking=none", "hydra/launcher=ray", f"+hydra.launcher.ray.init._temp_dir={place}")
        succeeded(pipeline(folder, "-m", *SMALL, "noise=long,short", *words, fresh=True))
        # or is given one by Ray
        by_ray = ("+hydra.launcher.ray.init.num_gpus=2", "+hydra.launcher.ray.remote.num_gpus=1")
        succeeded(pipeline(folder, "-m", *SMALL, "noise=mixed,pixels", *words, *by_ray, fresh=True))
    for sweep in sorted(folder.glob("outputs/multirun/*/*")):
        processes = recorded(sweep)
        assert len(processes) == 2
        assert {process["environment"][VISIBLE] for process in processes} == {"4", "6"}

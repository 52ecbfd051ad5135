"""What of a process decides a result: Keras' and TensorFlow's configuration is set, refused or part of the key."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import ROOT, SMOKE, pipeline, succeeded

from pipeline.engine import provenance
from pipeline.runtime.errors import InputError
from pipeline.runtime.numerics import check_keras, settle_keras
from pipeline.stages.train.pictures import curves_picture

WORDS = (
    *("stages=[train,oip]", "data.limit=60", "train.epochs=1", "oip.map_indices=[0]", "oip.steps=2"),
    *("oip.xla=false", "tracking=none", "runtime.threads=1"),
)
HISTORY = {
    **{"loss": [2.0, 0.5], "test_loss": [1.9, 0.6], "accuracy": [0.5, 0.9], "test_accuracy": [0.6, 0.8]},
    "learning_rate": [0.001, 0.0005],
}
# name of a process -> what its keras.json says, its environment
PROCESSES: dict[str, tuple[dict[str, Any] | None, dict[str, str]]] = {
    "as it is": (None, {}),
    "half floats, ASCII, other threads": (
        {"floatx": "float16", "epsilon": 1e-2},
        {
            **{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
            **{"TF_NUM_INTRAOP_THREADS": "3", "TF_NUM_INTEROP_THREADS": "3", "OMP_NUM_THREADS": "1"},
        },
    ),
    "channels first, doubles, another backend": (
        {"floatx": "float64", "image_data_format": "channels_first", "backend": "jax"},
        {"KERAS_BACKEND": "torch", "KERAS_MAX_EPOCHS": "0", "KERAS_MAX_STEPS_PER_EPOCH": "1"},
    ),
}


def run(folder: Path, keras: dict[str, Any] | None, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    (home / ".keras").mkdir(parents=True)
    if keras is not None:
        (home / ".keras" / "keras.json").write_text(json.dumps(keras))
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *WORDS, "hydra.run.dir=run"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def described(folder: Path, stage: str) -> dict[str, Any]:
    return json.loads((folder / "run" / stage / "stage.json").read_text())


@pytest.fixture(scope="module")
def as_it_is(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("as it is")
    succeeded(run(folder, *PROCESSES["as it is"]))
    return folder


@pytest.mark.parametrize("name", [name for name in PROCESSES if name != "as it is"])
def test_other_configurations_of_keras_threads_and_locale_give_the_same_bits(
    as_it_is: Path, tmp_path: Path, name: str
) -> None:
    succeeded(run(tmp_path, *PROCESSES[name]))
    for stage in ("train", "oip"):
        first, other = described(as_it_is, stage), described(tmp_path, stage)
        assert first["digests"] == other["digests"]
        assert first["record"]["key"] == other["record"]["key"]


def test_a_switch_of_tensorflow_is_part_of_the_key(as_it_is: Path, tmp_path: Path) -> None:
    """It may give other bits, so nothing is reused from a process without it."""
    switch = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    succeeded(run(tmp_path, None, switch))
    for stage in ("train", "oip"):
        first, other = described(as_it_is, stage), described(tmp_path, stage)
        assert first["record"]["key"] != other["record"]["key"]
        assert [found["ingredients"]["environment"] == switch for found in (first, other)] == [False, True]


def test_what_need_not_have_the_same_bits_again_is_not_what_a_deterministic_run_takes(trained_here: Path) -> None:
    words = (*SMOKE, "stages=[train]", "tracking=none")
    assert "(reused)" in succeeded(pipeline(trained_here, *words))
    shutil.rmtree(trained_here / "outputs" / "store" / "train")
    succeeded(pipeline(trained_here, *words, "runtime.deterministic=false"))
    assert "(reused)" not in succeeded(pipeline(trained_here, *words))


@pytest.mark.parametrize("content", ['{"floatx": "float7"}', "{", "[]"])
def test_a_broken_configuration_of_keras_is_passed_over_or_told_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(content)
    settle = (
        "import sys\nfrom pipeline.runtime.errors import InputError\n"
        "from pipeline.runtime.numerics import settle_keras\n"
        "try:\n    settle_keras()\nexcept InputError as error:\n    sys.exit(f'told: {error}')\n"
        "import keras\nassert keras.config.floatx() == 'float32' and keras.config.epsilon() == 1e-7"
    )
    process = subprocess.run(
        [sys.executable, "-c", settle],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = "told: keras.json: takes a file that Keras takes, or none; got "
    assert process.returncode == 0 or process.stderr.startswith(told), process.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"text.usetex: true\nfont.size: 40\nfigure.dpi: 10\naxes.facecolor: black\npath.sketch: 1, 100, 2\n", ""),
        ("axes.titlesize: é\n".encode("latin-1"), "told: matplotlibrc: takes text in UTF-8, or no such file; got "),
    ],
)
def test_a_style_of_the_users_is_not_looked_at_or_told_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    """Nor is a backend that is not there."""
    (tmp_path / "matplotlibrc").write_bytes(content)
    draw = (
        "import sys\nimport numpy as np\n"
        "from pipeline.runtime.errors import InputError\nfrom pipeline.runtime.numerics import settle_keras\n"
        "try:\n    settle_keras()\nexcept InputError as error:\n    sys.exit(f'told: {error}')\n"
        "from pipeline.stages.train.pictures import curves_picture\n"
        f"history = {HISTORY}\nhistory = {{name: np.array(numbers) for name, numbers in history.items()}}\n"
        "np.save('curves.npy', curves_picture(history))"
    )
    process = subprocess.run(
        [sys.executable, "-c", draw],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "a window"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stderr.startswith(told), process.stderr
    assert process.returncode == bool(told), process.stderr
    if not told:
        expected = curves_picture({name: np.array(numbers) for name, numbers in HISTORY.items()})
        assert np.load(tmp_path / "curves.npy").tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("floatx", "float16"),
        ("image_data_format", "channels_first"),
        ("epsilon", 1e-3),
        ("dtype_policy", "mixed_float16"),
        ("max_epochs", 3),
        ("max_steps_per_epoch", 3),
    ],
)
def test_a_stage_called_from_python_computes_as_ever_and_leaves_another_configuration(
    compose, tiny_cnn, name: str, other: Any
) -> None:
    from keras import config

    from pipeline import extract_activations, load_dataset

    settings = compose("data.limit=60", "activations.layers=[Conv2D_1]")
    dataset = load_dataset(settings.data, size=12)
    cnn = tiny_cnn()
    expected = extract_activations(settings.activations, cnn, dataset)
    settle_keras()
    getattr(config, f"set_{name}")(other)
    try:
        found = extract_activations(settings.activations, cnn, dataset)
        left = getattr(config, name)()
    finally:
        settle_keras()
    check_keras()
    assert getattr(left, "name", left) == other
    assert found.images.tobytes() == expected.images.tobytes()
    assert found.feature_maps["Conv2D_1"].tobytes() == expected.feature_maps["Conv2D_1"].tobytes()


@pytest.mark.parametrize(("name", "other"), [("floatx", "float16"), ("dtype_policy", "mixed_float16")])
def test_what_computes_refuses_a_configuration_that_nobody_has_settled(name: str, other: str) -> None:
    from keras import config

    settle_keras()
    getattr(config, f"set_{name}")(other)
    try:
        with pytest.raises(InputError, match=f"keras.config.{name}: takes .*; got .*{other}"):
            check_keras()
    finally:
        settle_keras()


def test_switches_are_those_variables_that_choose_how_something_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith((*provenance.NUMERIC_SWITCHES, *provenance.NUMERIC_PLACES)):
            monkeypatch.delenv(name)
    switches = {
        "DNNL_MAX_CPU_ISA": "AVX2",
        "NVIDIA_TF32_OVERRIDE": "1",
        "OPENBLAS_CORETYPE": "Haswell",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_SET_ONEDNN_FPMATH_MODE": "BF16",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }
    # of joblib's workers, of Slurm's and Ray's jobs, of Keras itself, and of who wants to see more
    others = {
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1"),
        **{"CUDA_VISIBLE_DEVICES": "1", "TF_FORCE_GPU_ALLOW_GROWTH": "true", "ONEDNN_VERBOSE": "1", "HOME": "/"},
    }
    for name, value in {**switches, **others}.items():
        monkeypatch.setenv(name, value)
    assert provenance.numeric_switches() == switches
    recorded = provenance.describe_process([], threads=1, deterministic=True)["environment"]
    assert recorded.keys() >= {*switches, "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"}


def test_a_process_that_has_computed_has_the_same_switches() -> None:
    """So that the jobs of a sweep that follow in it have the same keys."""
    program = (
        "from pipeline.engine.provenance import numeric_switches\nbefore = numeric_switches()\n"
        "from pipeline import compose\nfrom pipeline.runtime.tensorflow import start_tensorflow\n"
        "start_tensorflow(compose().runtime)\nimport tensorflow as tf\nimport mlflow.tensorflow\n"
        "tf.function(lambda x: x @ x, jit_compile=True)(tf.ones((4, 4)))\nassert numeric_switches() == before"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True)


def test_what_is_said_of_a_process_does_not_depend_on_what_it_has_imported() -> None:
    """A rerun describes itself before it computes, and would name a difference to the record where there is none."""
    program = (
        "from pipeline.engine.provenance import describe_process\n"
        "said = lambda: describe_process([], threads=1, deterministic=True)['environment']\nbefore = said()\n"
        "from pipeline.runtime.numerics import prefer_onednn\nprefer_onednn()\nassert said() == before, before"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, capture_output=True)


def test_texts_are_utf_8_whatever_the_locale() -> None:
    """Every text that the package reads or writes names its encoding."""
    missing = []
    for file in sorted((ROOT / "pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            mode = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            is_text = (isinstance(node.func, ast.Attribute) and name in ("read_text", "write_text")) or (
                name == "open" and mode and set(str(mode[0])) <= set("rwa")
            )
            if is_text and "encoding" not in {keyword.arg for keyword in node.keywords}:
                missing.append(f"{file.name}:{node.lineno}")
    assert missing == []

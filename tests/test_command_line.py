"""Real processes of `python -m pipeline`: help without heavy imports, and one line for what cannot be used."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import END_S, execute, pipeline


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (
            ["--help"],
            [
                "train: article, best, default",
                "noise: digit, fourier, long, mixed, picture, pixels, short",
                "step_size_schedule: linear",
            ],
        ),
        (["--cfg", "job"], ["wavelengths:\n  - 3\n", "seed: ${seed}", "criterion: 0.0005"]),
        (["--cfg", "job", "oip=article", "oip.steps=77"], ["steps: 77", "step_size_schedule: constant"]),
    ],
    ids=["help", "settings", "changed settings"],
)
def test_help_and_settings_are_shown_without_tensorflow_or_mlflow(tmp_path, arguments, shown):
    process = execute(tmp_path, "-X", "importtime", "-m", "pipeline", *arguments, fresh=True)
    output, errors = process.communicate(timeout=END_S)
    assert process.returncode == 0, errors
    for text in shown:
        assert text in output
    imported = {line.rpartition("|")[2].strip() for line in errors.splitlines() if "import time:" in line}
    assert {"hydra", "pipeline.settings.schema"} <= imported
    assert not imported & {"tensorflow", "keras", "mlflow", "sklearn", "matplotlib"}
    assert list(tmp_path.iterdir()) == []


def no_picture(folder: Path) -> list[str]:
    (folder / "photo.jpg").write_text("no picture\n")
    return ["dream.photo=photo.jpg"]


def truncated_npz(folder: Path) -> list[str]:
    arrays = {name: np.zeros((20, 28, 28), np.uint8) for name in ("x_train", "x_test")}
    arrays |= {name: np.arange(20) % 10 for name in ("y_train", "y_test")}
    np.savez(folder / "data.npz", **arrays)
    content = (folder / "data.npz").read_bytes()
    (folder / "data.npz").write_bytes(content[: len(content) // 2])
    return ["data=mnist", "data.path=data.npz"]


def words(*overrides: str) -> Callable[[Path], list[str]]:
    return lambda folder: list(overrides)


REFUSED = {
    "unknown key": (words("oip.step=3"), "oip.step: no such setting; did you mean oip.steps"),
    "key taken away": (words("~oip.steps"), "oip.steps"),
    "unknown file of a group": (
        words("noise=loud"),
        "noise: takes one of digit, fourier, long, mixed, picture, pixels, short; got loud",
    ),
    "no override": (words("oip.steps"), "oip.steps: takes the form setting=value"),
    "a list without --multirun": (words("oip.steps=1,2"), "oip.steps: takes a whole number; got 1,2; several values"),
    "wrong type": (words("oip.steps=many"), "oip.steps: takes a whole number; got many"),
    "negative steps": (words("oip.steps=-5"), "oip.steps: takes a whole number of at least 1; got -5"),
    "map out of range": (words("oip.map_indices=[56,128]"), "oip.map_indices: takes map indices 0 to 127 of Conv2D_3"),
    "layer not there": (words("oip.layer=Conv2D_4"), "oip.layer: takes a layer of the model"),
    "layer not convolutional": (words("dream.layer=Dense_1"), "dream.layer: takes a layer of the model that has maps"),
    "no wavelength": (words("noise.wavelengths=[]"), "noise.wavelengths: takes at least one number of cells per side"),
    "image not there": (words("activations.image_indices=[359]"), "activations.image_indices: takes 0 to 358"),
    "photo that is no picture": (no_picture, "dream.photo: takes flower, china or the path of a picture"),
    "truncated npz": (truncated_npz, "data.path: takes an .npz file"),
    "wrong type in a sweep": (words("--multirun", "oip.steps=5,many"), "oip.steps: takes a whole number; got many"),
}


@pytest.mark.parametrize(("prepare", "said"), list(REFUSED.values()), ids=list(REFUSED))
def test_what_cannot_be_used_is_refused_in_one_line_and_leaves_nothing_behind(tmp_path, prepare, said):
    overrides = prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    process = pipeline(tmp_path, *overrides)
    assert process.returncode not in (0, None)
    (line,) = process.stderr.splitlines()
    assert line.startswith("mnist-dream: ")
    assert said in line
    assert process.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before

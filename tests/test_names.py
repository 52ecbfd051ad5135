"""Names of layers and classes that anyone may choose: as files, as arrays, in MLflow."""

from pathlib import Path

import numpy as np
import pytest
from mlflow.utils.validation import _validate_metric_name, _validate_param_name

from pipeline.data.arrays import load_arrays
from pipeline.engine.storage import save_result
from pipeline.runtime.names import LONGEST, file_names
from pipeline.stages.activations.result import ActivationsResult
from pipeline.tracking.names import mlflow_name

ODD = (
    "Conv2D_1",
    "backbone/block_2",
    "backbone.block_2",
    "a b",
    "a>b",
    "A B",
    "_hidden",
    "schicht_ä",
    "層",
    "#1",
    "..",
    ".",
    "a/../b",
    "/a",
    "a//b",
    "<b>&'\"",
    "images",
    "pixels",
    "second_linear",
    "file",
    "allow_pickle",
    "layer:file",
    "arr_0",
    "x" * 300,
    "x" * 299 + "y",
)


def test_a_layer_gets_a_file_name_like_its_own() -> None:
    assert file_names(["Conv2D_1", "backbone/block_2", "a b", "a>b", "A B"]) == [
        "Conv2D_1",
        "backbone.block_2",
        "a-b",
        "a-b-2",
        "A-B-3",
    ]
    assert file_names(["..", ".hidden", "", "a."]) == ["-", "-hidden", "--2", "a"]


def test_file_names_are_safe_and_no_two_are_the_same(tmp_path: Path) -> None:
    names = file_names(ODD)
    assert len({name.lower() for name in names}) == len(ODD)
    for name in names:
        assert len(name) <= LONGEST + 3
        (tmp_path / name).mkdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_activations_of_layers_of_any_name_are_kept() -> None:
    result = activations(*ODD)
    assert list(result.folders()) == list(ODD)
    files = [file for of_layer in result.files().values() for file in of_layer]
    assert len(set(files)) == len(files) == 2 * len(ODD)
    assert all(file.count("/") == 1 for file in files)
    assert result.files()["backbone/block_2"] == [
        "backbone.block_2/class_3_image_00007.png",
        "backbone.block_2/class_5_image_00009.png",
    ]


def test_the_arrays_of_layers_of_any_name_are_read_back(tmp_path: Path) -> None:
    names = [name for name in ODD if len(name) < 200]
    result = activations(*names)
    save_result(result, tmp_path)
    found = load_arrays(tmp_path / "feature_maps.npz")
    assert len(found) == len(names)
    for number, name in enumerate(names):
        key = {"file": "layer:file", "allow_pickle": "layer:allow_pickle", "layer:file": "layer:layer:file"}
        np.testing.assert_array_equal(found[key.get(name, name)], result.feature_maps[name])
        assert found[key.get(name, name)][0, 0] == number


def test_images_without_labels_are_told_by_their_place() -> None:
    result = activations("Conv", labels=(-1, -1))
    assert result.files() == {"Conv": ["Conv/image_00007.png", "Conv/image_00009.png"]}
    assert result.sheets() == {"Conv": {0: "Conv/image_00007.png", 1: "Conv/image_00009.png"}}
    assert activations("Conv").sheets()["Conv"].keys() == {3, 5}


@pytest.mark.parametrize("name", ODD)
def test_mlflow_takes_the_name(name: str) -> None:
    _validate_metric_name(mlflow_name(name))
    _validate_param_name(mlflow_name(name))


def test_what_mlflow_takes_stays() -> None:
    for name in ("activations/Conv2D_1", "oip.layer", "path_index", "a b-c.d"):
        assert mlflow_name(name) == name


def activations(*layers: str, labels: tuple[int, int] = (3, 5)) -> ActivationsResult:
    """Two images, and of each layer a number for each."""
    return ActivationsResult(
        np.zeros((2, 4, 4, 1), np.float32),
        np.array(labels),
        np.array([7, 9]),
        {layer: np.full((2, 1), number, np.float32) for number, layer in enumerate(layers)},
    )

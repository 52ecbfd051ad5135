"""The notebook of the documentation: all its cells, in order, in an interpreter of their own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import END_S, ROOT, execute

pytestmark = [pytest.mark.process, pytest.mark.slow]

NOTEBOOK = ROOT / "docs" / "own_model.ipynb"
# What the last cell is followed by here.
KEEP = """
import numpy
numpy.savez(
    "found.npz",
    accuracy=accuracy,
    images=dataset.test_images,
    low=dataset.preprocessing.low,
    high=dataset.preprocessing.high,
    features=seen.feature_maps["conv_3"],
    by_keras=keras.Model(cnn.inputs, cnn.get_layer("relu_3").output)(dataset.test_images, training=False),
    top=found.top_indices,
    means=found.mean,
    starts=plain.start_images,
    plain=plain.images,
    activation=plain.activation,
    maximum=plain.data_maximum,
    faithful=faithful.images,
    reached=faithful.activation,
    goal=faithful.goal,
    verdicts=faithful.verdicts,
    path=numpy.stack([plain.path_index, faithful.path_index]),
    photo=photo,
    dream=dreamt.frames[-1],
    starts_by_keras=keras.Model(cnn.inputs, cnn.get_layer("relu_3").output)(plain.start_images, training=False),
    faithful_by_keras=keras.Model(cnn.inputs, cnn.get_layer("relu_3").output)(
        dataset.preprocessing.as_saved(faithful.images), training=False
    ),
)
"""


def cells() -> list[dict[str, Any]]:
    return list(json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"])


def test_it_is_small_and_has_no_outputs() -> None:
    assert NOTEBOOK.stat().st_size < 30_000
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells() if "outputs" in cell)


def test_it_uses_what_the_package_gives() -> None:
    source = "\n".join("".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code")
    assert "from pipeline." not in source
    assert "import pipeline" not in source


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What its cells have found, in an empty folder of somebody who has nothing else."""
    folder, home = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("home")
    sources = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    code = "\n".join(f"exec(compile({text!r}, 'cell {number}', 'exec'))" for number, text in enumerate(sources))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("TMPDIR", str(home))
        process = execute(folder, "-c", code + KEEP, fresh=True)
    output, errors = process.communicate(timeout=END_S)
    assert process.returncode == 0, output + errors
    assert "data.preprocessing=bytes, as" in output
    assert [path.name for path in folder.iterdir()] == ["found.npz"]
    with np.load(folder / "found.npz") as content:
        return {name: content[name] for name in content}


def test_the_cnn_has_learnt_and_its_range_was_found(found: dict[str, np.ndarray]) -> None:
    assert found["accuracy"] > 0.8
    assert (found["low"], found["high"]) == (0, 255)
    assert found["images"].shape == (96, 32, 32, 3)
    assert found["images"].max() > 200


def test_maps_are_those_of_keras(found: dict[str, np.ndarray]) -> None:
    assert found["features"].shape == (4, 8, 8, 16)
    means = found["by_keras"].mean(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(found["means"], means.mean(axis=0), rtol=1e-4)
    best = means[found["top"][:, 0], np.arange(16)]
    np.testing.assert_allclose(best, means.max(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found["maximum"], means.max(axis=0), rtol=1e-3)


def test_pictures_are_in_colour_and_drive_their_maps(found: dict[str, np.ndarray]) -> None:
    starts = found["starts_by_keras"].mean(axis=(1, 2))[np.arange(16), np.arange(16)]
    assert (found["activation"] > starts).all()
    assert (found["activation"] > found["maximum"]).mean() > 0.7
    for name in ("plain", "faithful"):
        assert found[name].shape == (16, 32, 32, 3)
        assert found[name].min() >= 0
        assert found[name].max() <= 255
        # colours, not greys
        assert np.ptp(found[name], axis=-1).mean(axis=(1, 2)).min() > 5


def test_faithful_pictures_drive_them_as_much_as_the_data_and_are_more_natural(found: dict[str, np.ndarray]) -> None:
    scores = found["faithful_by_keras"].mean(axis=(1, 2))[np.arange(16), np.arange(16)]
    np.testing.assert_allclose(found["reached"], scores, rtol=2e-3, atol=1e-4)
    enough = found["verdicts"] == "as much as data"
    assert enough.mean() > 0.7
    assert (found["reached"][enough] >= found["goal"][enough]).all()
    plain, faithful = found["path"][:, -1]
    assert np.nanmedian(faithful) > np.nanmedian(plain)


def test_the_dream_changes_the_photo_in_all_channels(found: dict[str, np.ndarray]) -> None:
    assert found["dream"].shape == found["photo"].shape
    change = np.abs(found["dream"].astype(int) - found["photo"]).mean(axis=(0, 1))
    assert (change > 1).all()


def test_its_pages_lead_to_it(tmp_path: Path) -> None:
    for page in ("README.md", "own_model.md"):
        assert "own_model.ipynb" in (ROOT / "docs" / page).read_text(encoding="utf-8")

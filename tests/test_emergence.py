"""The animation of how OIPs emerge."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from picture_examples import sweep
from PIL import Image

from pipeline.drawing.levels import (
    stretched,
)
from pipeline.drawing.pictures import save_pictures
from pipeline.stages.oip.pictures import render_oips
from pipeline.stages.oip.pictures.contact_sheet import dimmed
from pipeline.stages.oip.pictures.emergence import in_grey_levels


def saved_gif(pictures: dict[str, Any], folder: Path) -> tuple[list[np.ndarray], list[int], Path]:
    """The frames of emergence.gif as a viewer shows them, how long each, and the file."""
    save_pictures({"emergence.gif": pictures["emergence.gif"]}, folder)
    frames, durations = [], []
    with Image.open(folder / "emergence.gif") as gif:
        assert gif.info["loop"] == 0
        for k in range(gif.n_frames):
            gif.seek(k)
            frames.append(np.asarray(gif.convert("L")))
            durations.append(gif.info["duration"])
    return frames, durations, folder / "emergence.gif"


def test_emergence_leads_from_the_start_images_to_the_final_ones(oip_config, tmp_path: Path) -> None:
    result = sweep([0, 1, 2], ["converged", "still rising", "never triggered"])
    frames, durations, _ = saved_gif(render_oips(oip_config(), result), tmp_path)
    # start, step 0, and step 3 of 4, which is the final image
    assert durations == [400, 400, 2000]
    for frame, images in zip(frames, [result.start_images, result.snapshots[0], result.images], strict=True):
        sheet = frame[-(2 + 224 + 2) :]
        for k in range(3):
            levels = stretched(images[k, ..., 0])
            expected = in_grey_levels(dimmed(levels) if k == 2 else levels)
            left = 2 + 226 * k
            assert (sheet[2:-2, left : left + 224] == np.kron(expected, np.ones((8, 8), np.uint8))).all()
    heading = [frame[:32] for frame in frames]
    assert all(rows.min() < 100 for rows in heading)
    assert not np.array_equal(heading[0], heading[1]), "the step is named"


def test_grey_levels_of_the_emergence_are_32_from_black_to_white() -> None:
    levels = in_grey_levels(np.arange(256, dtype=np.uint8))
    assert len(np.unique(levels)) == 32
    assert (levels[0], levels[255]) == (0, 255)
    assert np.abs(levels.astype(int) - np.arange(256)).max() <= 4


def test_emergence_of_many_maps_and_snapshots_stays_below_two_megabytes(oip_config, tmp_path: Path) -> None:
    # nothing packs worse than noise
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(31, 200, 28, 28, 1)).astype(np.float32)
    result = sweep(
        list(range(200)),
        ["converged"] * 200,
        noise[-1],
        snapshot_steps=np.arange(31),
        snapshots=noise,
        objective=np.zeros((31, 200)),
    )
    frames, durations, path = saved_gif(render_oips(oip_config(), result), tmp_path)
    assert durations == [400] * 9 + [2000]
    assert path.stat().st_size < 2e6
    expected = in_grey_levels(stretched(noise[-1, :128, ..., 0]))
    assert frames[-1].shape[1] == 2 + 16 * (56 + 2)
    sheet = frames[-1][-(2 + 8 * 58) :]
    for k in (0, 127):
        top, left = 2 + k // 16 * 58, 2 + k % 16 * 58
        assert (sheet[top : top + 56 : 2, left : left + 56 : 2] == expected[k]).all()


def test_the_same_emergence_makes_the_same_bytes(oip_config, tmp_path: Path) -> None:
    result = sweep([0, 1], ["converged"] * 2)
    first, second = (
        saved_gif(render_oips(oip_config(), result), tmp_path / name)[2].read_bytes() for name in ("a", "b")
    )
    assert first == second


def test_a_single_step_emerges_in_two_frames(oip_config, tmp_path: Path) -> None:
    result = sweep([5], ["converged"], snapshot_steps=np.array([0]), objective=np.zeros((1, 1)))
    result = replace(result, snapshots=result.images[None])
    assert saved_gif(render_oips(oip_config(), result), tmp_path)[1] == [400, 2000]

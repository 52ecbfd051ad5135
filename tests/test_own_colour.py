"""The command line from end to end with a small colour CNN out of a file: folders, arrays, sides that differ."""

import base64
import io
import re
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from commands import END_S, Done, arrays, execute, module, pipeline, runs, succeeded
from PIL import Image, ImageDraw
from test_own_model import recorded

pytestmark = [pytest.mark.process, pytest.mark.slow]

HEIGHT, WIDTH = 24, 32
CLASSES = ("cross", "disc", "square")
MODEL = ("model=file", "model.path=own.keras")
FOLDER = (*MODEL, "data=folder", "data.path=photos")
FEW = (
    *("oip.steps=3", "oip.snapshots=2", "noise.wavelengths=[3]", "oip.restarts=0", "statistics.top=4"),
    *("dream.size=48", "dream.turns=1", "dream.steps=2", "dream.levels=[1,2]"),
    *("atlas.starts=1", "atlas.wavelengths=[]", "atlas.dream.size=48", "atlas.dream.steps=1"),
)
STAGES = ("model", "activations", "statistics", "oip", "dream", "atlas")


def colour_cnn(classes: int = len(CLASSES), *, shape: tuple[int, int, int] = (HEIGHT, WIDTH, 3)) -> keras.Model:
    """Four padded convolutions behind a Rescaling, and the mean of each map; nothing but its output is trained."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input(shape, name="picture")
    x = keras.layers.Rescaling(1 / 255, name="levels")(x)
    for number, maps in enumerate((4, 4, 6, 6), start=1):
        x = keras.layers.Conv2D(maps, 3, padding="same", name=f"conv_{number}")(x)
        x = keras.layers.BatchNormalization(name=f"norm_{number}")(x)
        x = keras.layers.ReLU(name=f"relu_{number}")(x)
        if number in (1, 3):
            x = keras.layers.MaxPooling2D(2, name=f"pool_{number}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="means")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax", name="classes")(x), name="own")


def knows_colours(order: tuple[int, ...]) -> keras.Model:
    """A CNN that names the strongest of three colours; it counts them in an order of its own."""
    inputs = keras.Input((HEIGHT, WIDTH, 3), name="picture")
    x = keras.layers.Rescaling(1 / 255, name="levels")(inputs)
    x = keras.layers.Conv2D(3, 1, name="colours")(x)
    x = keras.layers.GlobalAveragePooling2D(name="means")(x)
    model = keras.Model(inputs, keras.layers.Dense(3, name="classes")(x))
    model.get_layer("colours").set_weights([np.eye(3)[None, None], np.zeros(3)])
    model.get_layer("classes").set_weights([30 * np.eye(3)[:, list(order)], np.zeros(3)])
    return model


def drawn(random: np.random.Generator, name: str) -> Image.Image:
    """A coloured shape on a coloured ground, a little larger than what the CNN takes."""
    ground, ink = (tuple(random.integers(*ends, 3).tolist()) for ends in ((20, 120), (140, 256)))
    picture = Image.new("RGB", (40, 30), ground)
    x, y = int(random.integers(12, 28)), int(random.integers(10, 20))
    box, draw = (x - 8, y - 8, x + 8, y + 8), ImageDraw.Draw(picture)
    if name == "disc":
        draw.ellipse(box, fill=ink)
    elif name == "square":
        draw.rectangle(box, fill=ink)
    else:
        draw.line(box, fill=ink, width=3)
        draw.line((x - 8, y + 8, x + 8, y - 8), fill=ink, width=3)
    return picture


def photos(folder: Path, *, by_class: bool = True, count: int = 10) -> None:
    """Pictures of all classes in a folder `photos`."""
    random = np.random.default_rng(1)
    for name in CLASSES:
        place = folder / "photos" / name if by_class else folder / "photos"
        place.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            drawn(random, name).save(place / f"{name}_{number}.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all stages were computed. Not to be changed but by adding runs."""
    folder = tmp_path_factory.mktemp("colour")
    photos(folder)
    colour_cnn().save(folder / "own.keras")
    said = succeeded(pipeline(folder, *FOLDER, *FEW))
    assert "data.preprocessing=bytes, as own.keras shows" in said
    assert "own.keras: pictures of 24 x 32 x 3; conv_4 is looked at" in said
    return folder


def page_in(run: Path) -> str:
    return (run / "atlas" / "atlas.html").read_text(encoding="utf-8")


def is_coloured(picture: Image.Image) -> bool:
    levels = np.asarray(picture.convert("RGB")).astype(int)
    return bool(np.ptp(levels, axis=-1).max() > 20)


def test_every_stage_leaves_its_results(folder: Path) -> None:
    run = runs(folder)[0]
    assert {path.parent.name for path in run.glob("*/stage.json")} == set(STAGES)
    found = arrays(run)
    assert found["oip/oip.npz/images"].shape == (6, HEIGHT, WIDTH, 3)
    assert found["oip/oip.npz/pixel_range"].tolist() == [[0] * 3, [255] * 3]
    assert found["activations/images.npz/images"].shape == (3, HEIGHT, WIDTH, 3)
    assert found["statistics/statistics.npz/class_means"].shape == (6, 3)
    assert found["dream/dream.npz/picture"].shape[-1] == 3
    assert all(np.isfinite(values).all() for name, values in found.items() if name.endswith("/activation"))


@pytest.mark.parametrize(
    "name",
    [
        "activations/images.png",
        "statistics/top_images.png",
        "oip/contact_sheet.png",
        "oip/evolution.png",
        "dream/dream.png",
        "dream/dream_soft.png",
        "dream/before_after.png",
    ],
)
def test_pictures_are_in_colour(folder: Path, name: str) -> None:
    with Image.open(runs(folder)[0] / name) as picture:
        assert is_coloured(picture)


def test_the_picture_of_a_map_has_the_pixels_of_its_array(folder: Path) -> None:
    place = runs(folder)[0] / "oip"
    images = arrays(place)["oip.npz/images"]
    files = sorted((place / "maps").rglob("*.png"))
    assert len(files) == 6
    for file, image in zip(files, images, strict=True):
        with Image.open(file) as picture:
            levels = np.asarray(picture.convert("RGB"))
        # drawn enlarged, each pixel a square
        factor = levels.shape[0] // HEIGHT
        assert levels.shape == (HEIGHT * factor, WIDTH * factor, 3)
        np.testing.assert_allclose(levels[factor // 2 :: factor, factor // 2 :: factor], image, atol=1)


def test_what_was_computed_is_what_keras_says(folder: Path) -> None:
    model = keras.models.load_model(folder / "own.keras")
    found = arrays(runs(folder)[0])
    part = keras.Model(model.inputs, model.get_layer("relu_4").output)
    pictures = np.rint(found["oip/oip.npz/images"])
    scores = np.asarray(part(pictures, training=False)).mean(axis=(1, 2), dtype=np.float64).diagonal()
    np.testing.assert_allclose(found["oip/oip.npz/activation"], scores, rtol=1e-4, atol=1e-6)


def test_the_record_has_the_facts_of_the_file(folder: Path) -> None:
    run = recorded(folder, "model")[0]
    assert run.info.status == "FINISHED"
    assert run.data.metrics.items() >= {"height": 24.0, "width": 32.0, "channels": 3.0}.items()
    assert run.data.metrics["weights"] == colour_cnn().count_params()
    assert run.data.params["file.path"] == "own.keras"
    for stage in STAGES[1:]:
        other = recorded(folder, stage)[0]
        assert other.info.status == "FINISHED"
        assert other.data.tags["upstream.model"] == run.info.run_id


def test_the_page_has_colours_and_says_what_is_seen(folder: Path) -> None:
    page = page_in(runs(folder)[0])
    pictures = re.findall(r'id="picture-oip-(\d+)" src="data:image/png;base64,([^"]*)"', page)
    assert [int(number) for number, _ in pictures] == list(range(6))
    assert all(is_coloured(Image.open(io.BytesIO(base64.b64decode(data)))) for _, data in pictures)
    # the means of maps and the answer
    assert "sees all" in page
    for name in CLASSES:
        assert name in page
    assert "curves" not in re.sub(r"data:[^\"]*", "", page).lower() or "train/" not in page


def test_the_oips_are_computed_again_bit_by_bit(folder: Path) -> None:
    output = succeeded(module(folder, "pipeline.rerun", recorded(folder, "oip")[0].info.run_id))
    assert "model        bit-identical" in output
    assert "oip          bit-identical" in output


def test_a_second_run_reuses_all(folder: Path) -> None:
    before = [len(recorded(folder, stage)) for stage in STAGES]
    output = succeeded(pipeline(folder, *FOLDER, *FEW))
    assert output.count("(reused)") == len(STAGES)
    assert [len(recorded(folder, stage)) for stage in STAGES] == before


PYTHON = """
import numpy as np
from pipeline import compose, dream, load_dataset_for, load_model, load_photo, map_statistics, sweep_oips

config, model = compose(*WORDS), load_model("own.keras")
data = load_dataset_for(config)
real = {"reference_images": data.test_images, "reference_labels": data.test_labels}
given = {"preprocessing": data.preprocessing, "training_images": data.train_images}
oips = sweep_oips(config.oip, config.noise, model, seed=config.noise.seed, **real, **given)
found = map_statistics(
    model, config.statistics.layer, data.test_images, data.test_labels, classes=data.classes, top=config.statistics.top
)
photo = load_photo(config.dream.photo, size=config.dream.size, fit=config.dream.fit)
dreamt = dream(config.dream, model, photo, seed=config.seed, preprocessing=data.preprocessing)
for name, result in (("oip", oips), ("statistics", found), ("dream", dreamt)):
    np.savez(f"python_{name}.npz", **result.arrays()[result.FILE])
"""


def test_python_gives_what_the_command_line_gives(folder: Path) -> None:
    process = execute(folder, "-c", f"WORDS = {(*FOLDER, *FEW)!r}{PYTHON}")
    output, errors = process.communicate(timeout=END_S)
    assert process.returncode == 0, output + errors
    expected, found = arrays(runs(folder)[0]), arrays(folder)
    for stage in ("oip", "statistics", "dream"):
        names = [name for name in expected if name.startswith(f"{stage}/")]
        assert names
        for name in names:
            np.testing.assert_array_equal(found[f"python_{stage}.npz/{name.split('/')[-1]}"], expected[name], name)


def test_without_labels_what_is_said_of_classes_is_left_out(folder: Path, tmp_path: Path) -> None:
    photos(tmp_path, by_class=False)
    shutil.copy(folder / "own.keras", tmp_path)
    output = succeeded(pipeline(tmp_path, *FOLDER, *FEW, "tracking=none"))
    assert [line.split()[0] for line in output.splitlines() if line.split()[:1] and line.split()[0] in STAGES] == list(
        STAGES
    )
    (run,) = runs(tmp_path)
    found = arrays(run)
    assert set(found["statistics/statistics.npz/preferred_class"].tolist()) == {-1}
    page = re.sub(r"data:[^\"]*", "", page_in(run))
    assert "no labels" in page
    assert 'href="#class-' not in page
    assert "cross" not in page


def arrays_file(place: Path, *, classes: int = 3) -> None:
    """Channels first, bytes, one-hot labels."""
    random = np.random.default_rng(2)
    labels = np.arange(30) % classes
    pictures = [np.asarray(drawn(random, CLASSES[label % 3]).resize((WIDTH, HEIGHT))) for label in labels]
    first = np.moveaxis(np.stack(pictures), -1, 1)
    one_hot = np.eye(classes, dtype=np.float32)[labels]
    np.savez(place, x_train=first[:20], y_train=one_hot[:20], x_test=first[20:], y_test=one_hot[20:])


def test_arrays_with_channels_first_and_one_hot_labels(folder: Path, tmp_path: Path) -> None:
    arrays_file(tmp_path / "own.npz")
    shutil.copy(folder / "own.keras", tmp_path)
    words = (*MODEL, "data=npz", "data.path=own.npz", f"data.class_names=[{','.join(CLASSES)}]", "tracking=none")
    succeeded(pipeline(tmp_path, *words, *FEW))
    (run,) = runs(tmp_path)
    with np.load(tmp_path / "own.npz") as content:
        expected = np.moveaxis(content["x_test"], 1, -1)
    found = arrays(run)
    indices = found["activations/images.npz/indices"]
    np.testing.assert_array_equal(found["activations/images.npz/images"], expected[indices])
    assert found["activations/images.npz/labels"].tolist() == [0, 1, 2]
    assert all(name in page_in(run) for name in CLASSES)


def test_a_cnn_of_other_classes_is_looked_at_all_the_same(folder: Path, tmp_path: Path) -> None:
    """What it takes images for is left out, and said to be."""
    photos(tmp_path)
    colour_cnn(7).save(tmp_path / "own.keras")
    output = succeeded(pipeline(tmp_path, *FOLDER, *FEW, "tracking=none"))
    assert "own.keras does not tell the 3 classes of the data apart" in output
    found = arrays(runs(tmp_path)[0])
    assert np.isnan(found["statistics/statistics.npz/accuracy"]).all()
    assert np.isfinite(found["statistics/statistics.npz/class_means"]).all()
    assert set(found["oip/oip.npz/taken_for"].tolist()) == {-1}
    assert found["atlas/atlas.npz/predictions"].shape == (6, 7)
    page = re.sub(r"data:[^\"]*", "", page_in(runs(tmp_path)[0]))
    assert "the CNN does not tell these classes apart" in page
    assert "mean of 2 images" in page
    for wrong in ("no image of this class", "is taken for another one", "accuracy on 6 images"):
        assert wrong not in page


def of_colour(folder: Path) -> None:
    """Pictures whose class is their colour, in folders of its name."""
    random = np.random.default_rng(3)
    for number, name in enumerate(("blue", "green", "red")):
        place = folder / "photos" / name
        place.mkdir(parents=True)
        for count in range(10):
            levels = random.integers(0, 100, (HEIGHT, WIDTH, 3))
            levels[..., 2 - number] += 120
            Image.fromarray(levels.astype(np.uint8)).save(place / f"{count}.png")


def hint(done: Done) -> list[str]:
    return [line for line in succeeded(done).splitlines() if "classes in another order" in line]


def test_another_order_of_classes_is_said_and_can_be_given(tmp_path: Path) -> None:
    of_colour(tmp_path)
    # it counts red, blue, green
    knows_colours((0, 2, 1)).save(tmp_path / "own.keras")
    words = (*FOLDER, "stages=[statistics]", "tracking=none")
    (line,) = hint(pipeline(tmp_path, *words))
    assert "names 0% of 6 test images rightly, and 100%" in line
    given = re.findall(r"'(data\.class_names=\[.*\])'", line)
    assert given == ["data.class_names=[red,blue,green]"]
    assert hint(pipeline(tmp_path, *words, *given)) == []
    accuracy: list[Any] = [arrays(run)["statistics/statistics.npz/accuracy"].tolist() for run in runs(tmp_path)]
    assert accuracy == [[0.0] * 3, [1.0] * 3]

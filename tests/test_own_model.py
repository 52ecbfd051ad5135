"""A CNN out of a file stands where a training stood: in keys, record, rerun, atlas, sync, store and sweeps."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from commands import module, pipeline, runs, succeeded
from recording import client_of

from pipeline.commands.picture_range import dataset_for
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing, preprocessing_of
from pipeline.core.score import features_of
from pipeline.data.dataset import Dataset
from pipeline.runtime.errors import InputError
from pipeline.settings.config import Config

pytestmark = pytest.mark.process

SIDE, CLASSES = 12, 10
# little of everything; what the CNN takes is said, as it has not learnt enough to tell
FILE = ("model=file", "model.path=own.keras", "data.preprocessing=standardize", "data.limit=60")
FEW = ("oip.steps=2", "oip.snapshots=2", "noise.wavelengths=[3]", "oip.restarts=0")
ATLAS = ("atlas.starts=1", "atlas.wavelengths=[]", "atlas.elsewhere=false", "atlas.dream.size=0")


def own_cnn(*, seed: int = 0, before: tuple[keras.Layer, ...] = ()) -> keras.Model:
    """A CNN of grey squares with names of its own."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((SIDE, SIDE, 1), name="picture")
    for layer in (
        *before,
        keras.layers.Conv2D(4, 3, activation="relu", name="edges"),
        keras.layers.Conv2D(6, 3, activation="relu", name="corners"),
        keras.layers.Flatten(name="row"),
        keras.layers.Dense(CLASSES, activation="softmax", name="digits"),
    ):
        x = layer(x)
    return keras.Model(inputs, x, name="own")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which three stages were computed of a CNN out of a file. Not to be changed but by adding runs."""
    folder = tmp_path_factory.mktemp("own")
    own_cnn().save(folder / "own.keras")
    said = succeeded(pipeline(folder, *FILE, *FEW, "stages=[train,activations,statistics,oip]", "train.epochs=2"))
    assert "own.keras: pictures of 12 x 12 x 1; corners is looked at" in said
    assert [line.split()[0] for line in said.splitlines()[1:5]] == ["model", "activations", "statistics", "oip"]
    return folder


def described(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "stage.json").read_text())
    return found


def recorded(folder: Path, stage: str) -> list[Any]:
    """The runs of a stage, the oldest first."""
    client = client_of(folder)
    experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
    if experiment is None:
        return []
    return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]))


def activations(run: Path, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """The images of a run, and what a layer answers to them."""
    place = run / "activations"
    with np.load(place / "images.npz") as images, np.load(place / "feature_maps.npz") as maps:
        return images["images"], maps[layer]


def test_it_takes_the_place_of_the_training(folder: Path) -> None:
    run = runs(folder)[0]
    assert sorted(path.name for path in run.iterdir() if path.is_dir() and (path / "stage.json").is_file()) == [
        "activations", "model", "oip", "statistics",
    ]  # fmt: skip
    assert (run / "model" / "cnn.keras").read_bytes() == (folder / "own.keras").read_bytes()
    key = described(run / "model")["record"]["key"]
    for stage in ("activations", "statistics", "oip"):
        assert described(run / stage)["ingredients"]["upstream"] == {"model": key}
    with np.load(run / "model" / "facts.npz") as facts:
        assert facts["layers"].tolist() == ["picture", "edges", "corners", "row", "digits"]
        assert facts["shapes"].tolist()[1] == "10 x 10 x 4"
        assert int(facts["weights"]) == own_cnn().count_params()


def test_what_was_left_to_the_cnn_is_in_the_record(folder: Path) -> None:
    written = (runs(folder)[0] / "oip" / "config.yaml").read_text()
    assert written.count("layer: corners") == 5
    assert "- edges\n" in written
    assert "Conv2D_3" not in written


def test_it_computes_what_keras_says(folder: Path) -> None:
    """The activations of the last convolution, of the file's own CNN."""
    model = own_cnn()
    images, found = activations(runs(folder)[0], "corners")
    part = keras.Model(model.inputs, model.get_layer("corners").output)
    np.testing.assert_allclose(found, part.predict(images, verbose=0), atol=1e-5)


def test_it_is_a_run_with_the_facts_of_the_file(folder: Path) -> None:
    first = recorded(folder, "model")[0]
    assert first.info.status == "FINISHED"
    assert first.data.metrics.items() >= {"layers": 5.0, "height": 12.0, "channels": 1.0}.items()
    assert first.data.params["file.path"] == "own.keras"
    assert first.data.params["data.preprocessing"].startswith("standardize")
    for stage in ("activations", "statistics", "oip"):
        assert recorded(folder, stage)[0].data.tags["upstream.model"] == first.info.run_id
    assert recorded(folder, "train") == []
    files = {file.path for file in client_of(folder).list_artifacts(first.info.run_id, "results")}
    assert {"results/cnn.keras", "results/facts.npz", "results/layers.png"} <= files


def test_the_content_of_the_file_is_in_every_key_and_its_name_in_none(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "outputs" / "store", tmp_path / "outputs" / "store")
    shutil.copy(folder / "own.keras", tmp_path / "another name.h5")
    words = [word.replace("own.keras", "another name.h5") for word in FILE]
    words[1] = '"model.path=another name.h5"'.strip('"').replace("another name.h5", "'another name.h5'")
    output = succeeded(pipeline(tmp_path, *words, *FEW, "stages=[model,oip]", "tracking=none"))
    assert output.count("(reused)") == 2
    own_cnn(seed=1).save(tmp_path / "another name.h5")
    output = succeeded(pipeline(tmp_path, *words, *FEW, "stages=[model,oip]", "tracking=none"))
    assert "(reused)" not in output


def test_a_stage_is_computed_again_from_its_record(folder: Path, tmp_path: Path) -> None:
    """Also when the file of the user's is gone: the store keeps a copy, and so does the record."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    run_id = recorded(folder, "oip")[0].info.run_id
    place = runs(tmp_path)[0] / "oip"
    output = succeeded(module(tmp_path, "pipeline.rerun", str(place)))
    assert "model        bit-identical" in output
    assert "oip          bit-identical" in output
    (tmp_path / "own.keras").unlink()
    output = succeeded(module(tmp_path, "pipeline.rerun", str(place)))
    assert "model.path: own.keras is gone or has changed; its copy is taken" in output
    assert "oip          bit-identical" in output
    shutil.rmtree(tmp_path / "outputs" / "store")
    shutil.rmtree(tmp_path / "outputs" / "runs")
    # the artifacts are where the record of the first folder has them
    output = succeeded(module(tmp_path, "pipeline.rerun", run_id))
    assert "oip          bit-identical" in output


def test_an_atlas_is_made_of_it(folder: Path) -> None:
    page = folder / "page.html"
    place = runs(folder)[0] / "oip"
    output = succeeded(module(folder, "pipeline.atlas", str(place), *ATLAS, "--output", str(page)))
    assert "open it in a browser" in output
    assert "corners" in page.read_text()
    refused = module(folder, "pipeline.atlas", str(place), "model.path=other.keras")
    assert refused.returncode == 2
    model_key = described(runs(folder)[0] / "model")["record"]["key"]
    (atlas,) = (run / "atlas" for run in runs(folder) if (run / "atlas").is_dir())
    assert described(atlas)["ingredients"]["upstream"]["model"] == model_key


def test_the_jobs_of_a_sweep_share_it(folder: Path) -> None:
    before = len(recorded(folder, "model"))
    output = succeeded(
        pipeline(folder, "-m", *FILE, *FEW, "stages=[oip]", "oip.layer=edges", "noise.seed=1,2", "seed=3")
    )
    assert "2 jobs: 2 finished" in output
    assert len(recorded(folder, "model")) == before
    upstream = {run.data.tags["upstream.model"] for run in recorded(folder, "oip")[-2:]}
    assert upstream == {recorded(folder, "model")[0].info.run_id}
    stored = [path for path in (folder / "outputs" / "store" / "model").iterdir() if not path.name.startswith(".")]
    assert len(stored) == 1


def test_it_is_brought_into_the_record_later(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "own.keras", tmp_path)
    nobody = ("tracking=server", "tracking.uri=http://127.0.0.1:9")
    succeeded(pipeline(tmp_path, *FILE, *FEW, "stages=[oip]", *nobody))
    output = succeeded(module(tmp_path, "pipeline.sync", "--uri", f"sqlite:///{tmp_path}/outputs/mlflow.db"))
    assert "2 brought in" in output
    (oip,), (model,) = recorded(tmp_path, "oip"), recorded(tmp_path, "model")
    assert oip.data.tags["upstream.model"] == model.info.run_id
    assert model.data.metrics["layers"] == 5.0


def test_the_store_lists_verifies_and_keeps_it(folder: Path) -> None:
    assert "\nmodel " in "\n" + succeeded(module(folder, "pipeline.store", "list"))
    assert "results are as they were saved" in succeeded(module(folder, "pipeline.store", "verify"))


def test_weights_alone_take_the_place_of_a_training_of_given_layers(tmp_path: Path, compose: Any) -> None:
    from pipeline.core.cnn import build_cnn
    from pipeline.core.layers import with_classes

    model = build_cnn(with_classes(compose().model.network, CLASSES), regularizer=None, seed=5)
    model.save_weights(tmp_path / "w.weights.h5")
    words = ("model.weights=w.weights.h5", "data.limit=60", "stages=[model,activations]", "tracking=none")
    output = succeeded(pipeline(tmp_path, *words))
    assert output.startswith("w.weights.h5: pictures of 28 x 28 x 1")
    (run,) = runs(tmp_path)
    assert (run / "model" / "given.weights.h5").read_bytes() == (tmp_path / "w.weights.h5").read_bytes()
    images, found = activations(run, "Conv2D_3")
    part = keras.Model(model.inputs, model.get_layer("Conv2D_3").output)
    np.testing.assert_allclose(found, part.predict(images, verbose=0), atol=1e-5)


# in this process


def refusal(compose: Callable[..., Config], *words: str) -> str:
    with pytest.raises(InputError) as caught:
        compose(*words)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    own_cnn().save(tmp_path / "own.keras")
    return tmp_path / "own.keras"


def test_settings_follow_the_cnn_unless_they_are_given(compose: Any, file: Path) -> None:
    words = ("model=file", f"model.path={file}")
    config = compose(*words)
    assert config.model.input_shape == (SIDE, SIDE, 1)
    assert config.stages == ["model", "activations", "statistics", "oip", "dream", "atlas"]
    assert [config.oip.layer, config.statistics.layer, config.dream.layer] == ["corners"] * 3
    assert config.activations.layers == ["edges", "corners"]
    assert config.dream.map_indices == [-1]
    # of 3, 7, 14 and 28 cells per side: no wave is shorter than a pixel
    assert config.noise.wavelengths == [3, 7, 12]
    assert config.atlas.wavelengths == [[3, 7], [12]]
    config = compose(*words, "oip.layer=edges", "dream.layer=corners", "dream.map_indices=[2]")
    assert [config.oip.layer, config.statistics.layer, config.dream.layer] == ["edges", "edges", "corners"]
    config = compose(*words, "model.layer=edges")
    assert [config.oip.layer, config.statistics.layer, config.dream.layer] == ["edges"] * 3


def test_the_settings_of_the_articles_cnn_stay(compose: Any) -> None:
    config = compose()
    assert config.stages[0] == "train"
    assert [config.oip.layer, config.dream.layer] == ["Conv2D_3", "Conv2D_3"]
    assert config.activations.layers == ["Conv2D_1", "Conv2D_2", "Conv2D_3"]
    assert config.dream.map_indices == [33]
    assert config.model.input_shape == (28, 28, 1)


def test_what_does_not_go_with_a_file_is_one_line(compose: Any, file: Path) -> None:
    words = ("model=file", f"model.path={file}")
    assert refusal(compose, *words, "stages=[train]").startswith("stages: takes no train with a CNN out of a file")
    assert refusal(compose, "stages=[model]").startswith("stages: takes no model without")
    assert refusal(compose, "model=file").startswith("model.path: takes the file of a CNN")
    assert refusal(compose, f"model.path={file}").startswith("model.path: takes null where the layers are given")
    assert "corners" in refusal(compose, *words, "oip.layer=Conv2D_3")
    assert refusal(compose, *words, "oip.map_indices=[6]").startswith("oip.map_indices: takes map indices 0 to 5")
    assert refusal(compose, *words, "model.side=96").startswith("model.side: takes null, or [12, 12]")
    assert refusal(compose, *words, "model.side=high").startswith("model.side: takes a whole number")
    assert refusal(compose, *words, "model.input=other").startswith("model.input: takes one of the inputs picture")
    assert refusal(compose, *words, "model.output=x").startswith("model.output: takes one of the outputs digits")
    assert refusal(compose, *words, "model.constants={age: 3}").startswith("model.constants: takes the names")
    assert refusal(compose, *words, "model.constants={age: old}").startswith("model.constants: takes null, or numbers")
    assert refusal(compose, "model.custom=x.py").startswith("model.custom: takes null without model.path")


def test_one_of_several_inputs_and_outputs_is_named(compose: Any, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    first, second = keras.Input((SIDE, SIDE, 1), name="left"), keras.Input((SIDE, SIDE, 1), name="right")
    number = keras.Input((3,), name="age")
    maps = keras.layers.Conv2D(2, 3, name="maps")(first)
    row = keras.layers.Concatenate()([keras.layers.Flatten()(maps), keras.layers.Flatten()(second), number])
    classes, mood = keras.layers.Dense(CLASSES, name="classes")(row), keras.layers.Dense(2, name="mood")(row)
    model = keras.Model([first, second, number], [classes, mood])
    model.save(tmp_path / "two.keras")
    words = ("model=file", f"model.path={tmp_path / 'two.keras'}")
    assert "left" in refusal(compose, *words, "model.output=mood")
    assert "mood" in refusal(compose, *words, "model.input=left")

    from pipeline.core.model_choice import Chosen
    from pipeline.core.model_files.choosing import cnn_of
    from pipeline.core.model_files.reading import read_model_file

    images = np.random.default_rng(0).normal(size=(3, SIDE, SIDE, 1)).astype(np.float32)
    chosen = Chosen("left", "mood", None, (("age", 1.5),))
    cnn = cnn_of(read_model_file(tmp_path / "two.keras"), chosen)
    expected = model([images, np.zeros_like(images), np.full((3, 3), 1.5, np.float32)])[1]
    np.testing.assert_allclose(features_of(cnn, cnn.output_name, images), expected, rtol=1e-5)
    assert cnn_of(read_model_file(tmp_path / "two.keras"), chosen) is cnn


def test_a_cnn_of_any_size_gets_a_side(tmp_path: Path) -> None:
    from pipeline.core.model_choice import Chosen
    from pipeline.core.model_files.choosing import cnn_of, picture_shape
    from pipeline.core.model_files.reading import read_model_file

    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    maps = keras.layers.Conv2D(4, 3, strides=2)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling2D()(maps)))
    model.save(tmp_path / "any.keras")
    file = read_model_file(tmp_path / "any.keras")
    with pytest.raises(InputError, match=r"model.side: takes the side of pictures"):
        cnn_of(file, Chosen())
    assert picture_shape(file, Chosen(side=(24, 32))) == (24, 32, 3)
    images = np.random.default_rng(0).normal(size=(2, 24, 32, 3)).astype(np.float32)
    cnn = cnn_of(file, Chosen(side=(24, 32)))
    np.testing.assert_allclose(features_of(cnn, cnn.output_name, images), model(images), rtol=1e-5)


# the range of the pictures


def data_set(levels: np.ndarray, labels: np.ndarray, *, labelled: bool = True) -> Callable[[Any], Dataset]:
    """load(preprocessing): the same pictures in any range."""

    def load(preprocessing: Preprocessing | None) -> Dataset:
        kind = preprocessing or STANDARDIZED
        images = kind.shown(levels)
        names = tuple("0123456789") if labelled else ()
        return Dataset("some", "digest", images, labels, images, labels, names, kind)

    return load


def bright_or_dark() -> tuple[np.ndarray, np.ndarray]:
    """Pictures whose class is how bright they are: only in one range a CNN knows them."""
    random = np.random.default_rng(0)
    labels = np.arange(100) % CLASSES
    levels = (labels[:, None, None, None] + random.uniform(0.2, 0.8, (100, SIDE, SIDE, 1))) / CLASSES
    return levels.astype(np.float32), labels.astype(np.int64)


def knows_levels(word: str) -> keras.Model:
    """A CNN that tells the class of such pictures by their mean, in one range: the nearest of ten."""
    kind = preprocessing_of(word)
    low, high = kind.low[0], kind.high[0]
    inputs = keras.Input((SIDE, SIDE, 1))
    conv = keras.layers.Conv2D(1, 1, name="conv")
    mean = keras.layers.GlobalAveragePooling2D()(conv(inputs))
    dense = keras.layers.Dense(CLASSES)
    model = keras.Model(inputs, dense(mean))
    centres = low + (np.arange(CLASSES) + 0.5) / CLASSES * (high - low)
    conv.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    # -(x - c)^2 without the square of x
    dense.set_weights([2 * centres[None], -(centres**2)])
    return model


@pytest.mark.parametrize("word", ["unit", "bytes", "symmetric"])
def test_the_range_is_the_one_in_which_a_cnn_knows_the_test_images(
    compose: Any, tmp_path: Path, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    knows_levels(word).save(tmp_path / "levels.keras")
    config = compose("model=file", f"model.path={tmp_path / 'levels.keras'}")
    dataset = dataset_for(config, data_set(*bright_or_dark()))
    assert dataset.preprocessing == preprocessing_of(word)
    said = capsys.readouterr().out
    assert f"data.preprocessing={word}" in said
    assert f"{word} 100%" in said


def test_a_range_that_nobody_knows_is_refused(compose: Any, file: Path, tmp_path: Path) -> None:
    config = compose("model=file", f"model.path={file}")
    with pytest.raises(InputError, match=r"data.preprocessing: takes one of standardize, unit.*none is clearly right"):
        dataset_for(config, data_set(*bright_or_dark()))
    knows_levels("unit").save(tmp_path / "levels.keras")
    config = compose("model=file", f"model.path={tmp_path / 'levels.keras'}")
    with pytest.raises(InputError, match=r"data.preprocessing: takes one of .* no labels tell"):
        dataset_for(config, data_set(*bright_or_dark(), labelled=False))


def test_a_range_that_the_cnn_shows_is_taken_and_another_refused(compose: Any, tmp_path: Path) -> None:
    own_cnn(before=(keras.layers.Rescaling(1 / 255),)).save(tmp_path / "bytes.keras")
    words = ("model=file", f"model.path={tmp_path / 'bytes.keras'}")
    load = data_set(*bright_or_dark())
    assert dataset_for(compose(*words), load).preprocessing == preprocessing_of("bytes")
    with pytest.raises(InputError, match=r"takes bytes, 0 to 255, for .*rescaling.* got unit, 0 to 1"):
        dataset_for(compose(*words, "data.preprocessing=unit"), lambda _: load(preprocessing_of("unit")))
    dataset = dataset_for(compose(*words, "data.preprocessing=bytes"), lambda _: load(preprocessing_of("bytes")))
    assert dataset.preprocessing == preprocessing_of("bytes")


def test_a_cnn_that_was_trained_here_is_known(compose: Any, new_cnn: Any, tmp_path: Path) -> None:
    new_cnn(classes=CLASSES).save(tmp_path / "ours.keras")
    config = compose("model=file", f"model.path={tmp_path / 'ours.keras'}")
    assert dataset_for(config, data_set(*bright_or_dark())).preprocessing == STANDARDIZED

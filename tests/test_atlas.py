"""What an atlas looks at: against the stages and NumPy; and its command line."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import rounding
from commands import SMOKE, module, pipeline, runs, succeeded
from dream_settings import DREAM
from oip_settings import NOISE, OIP
from templates import copy_of

from pipeline.core.evidence import agreement
from pipeline.core.layers import Convolution, Input, Network
from pipeline.core.score import as_saved
from pipeline.settings.choices import Objective, StartImage, Strategy
from pipeline.settings.shared import OctavesConfig
from pipeline.stages.atlas.compute import near, survey
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.atlas.settings import AtlasConfig, AtlasDreamConfig
from pipeline.stages.dream_sheet.compute import dream_sheet
from pipeline.stages.oip.compute import sweep_oips

COUNT, CLASSES = 40, 3
ATLAS = AtlasConfig(
    starts=3,
    wavelengths=[[3], [3, 12], [6, 12]],
    elsewhere=True,
    dream=AtlasDreamConfig(
        size=40, steps=2, step_size=0.2, octaves=OctavesConfig(count=4, scale=1.8, least_contrast=0.2)
    ),
)
SHORT = dataclasses.replace(OIP, steps=6)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    generator = np.random.default_rng(5)
    return generator.normal(size=(COUNT, 12, 12, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.arange(COUNT) % CLASSES


def surveyed(model, images, labels, atlas=ATLAS, oip=SHORT, noise=NOISE, **options) -> AtlasResult:
    oips = sweep_oips(oip, noise, model, seed=0, reference_images=images, reference_labels=labels)
    return survey(atlas, oip, noise, DREAM, model, oips=oips, seed=0, reference_images=images, **options)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(6).integers(0, 256, (40, 40, 3), np.uint8)


@pytest.fixture(scope="module")
def found(tiny_cnn, images, labels, photo) -> AtlasResult:
    return surveyed(tiny_cnn(), images, labels, photo=photo)


def test_other_starts_are_those_of_sweeps_of_their_own(found, tiny_cnn, images):
    # the second of the settings is the run's own kind, which comes first
    assert found.start_names.tolist() == ["wavelengths 3, 12", "wavelengths 3", "wavelengths 6, 12"]
    assert found.other_images.shape == (3, 3, 6, 12, 12, 1)
    own = sweep_oips(dataclasses.replace(SHORT, starts=3), NOISE, tiny_cnn(), seed=0)
    np.testing.assert_array_equal(found.other_images[0], np.moveaxis(own.all_images, 1, 0))
    np.testing.assert_array_equal(found.other_activation[0], own.all_activation.T)
    waves = dataclasses.replace(NOISE, wavelengths=[6, 12], amplitudes=[1.0])
    short = sweep_oips(dataclasses.replace(SHORT, starts=3), waves, tiny_cnn(), seed=0)
    np.testing.assert_array_equal(found.other_images[2], np.moveaxis(short.all_images, 1, 0))
    np.testing.assert_array_equal(found.agreement, agreement(found.other_images[0, ..., 0]))


def test_the_first_start_is_the_run_s_own_oip(found, tiny_cnn, images):
    own = sweep_oips(SHORT, NOISE, tiny_cnn(), seed=0)
    np.testing.assert_array_equal(found.other_images[0, 0], own.images)


def test_predictions_are_those_of_keras(found, tiny_cnn):
    model = tiny_cnn()
    oips = as_saved(sweep_oips(SHORT, NOISE, model, seed=0).images)
    np.testing.assert_allclose(found.predictions, model.predict(oips, verbose=0), atol=1e-6)


def test_dreams_are_those_of_the_sheet(found, tiny_cnn, photo):
    from pipeline.settings.choices import Compare, DreamMethod

    # of a photo of 40 pixels three octaves fit: 40 / 1.8^3 < 8 + 1
    octaves = dataclasses.replace(ATLAS.dream.octaves, count=3)
    settings = dataclasses.replace(
        DREAM, method=DreamMethod.octaves, layer="Conv2D_2", objective=Objective.pre_activation, tile_maps=None,
        auto_maps=None, map_indices=list(range(6)), steps=2, step_size=0.2, octaves=octaves, strength=[1.0],
        compare=dataclasses.replace(DREAM.compare, by=Compare.maps),
    )  # fmt: skip
    expected = dream_sheet(settings, tiny_cnn(), photo, seed=0).pictures
    np.testing.assert_array_equal(found.dreams, expected)
    np.testing.assert_array_equal(found.photo, photo)
    assert (found.dreams[0] != found.dreams[1]).any()


def test_the_other_convolutions_have_oips_too(found, tiny_cnn, images):
    # the mean of what a first convolution is before its activation function is linear in the pixels
    settings = dataclasses.replace(SHORT, layer="Conv2D_1", objective=Objective.activation)
    own = sweep_oips(settings, NOISE, tiny_cnn(), seed=0, reference_images=images)
    assert found.elsewhere_layer.tolist() == [found.layers.tolist().index("Conv2D_1")] * 4
    assert found.elsewhere_map.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(found.elsewhere_images, own.images)
    np.testing.assert_array_equal(found.elsewhere_activation, own.activation)
    np.testing.assert_array_equal(found.elsewhere_maximum, own.data_maximum)


def test_only_the_maps_that_have_an_oip_are_looked_at(tiny_cnn, images, labels, photo):
    oip = dataclasses.replace(SHORT, steps=rounding.steps(SHORT.steps))
    everything = surveyed(tiny_cnn(), images, labels, oip=oip, photo=photo)
    some = surveyed(tiny_cnn(), images, labels, oip=dataclasses.replace(oip, map_indices=[4, -1, 1]), photo=photo)
    assert some.map_indices.tolist() == [4, 1]
    for name in ("other_images", "other_activation"):
        rounding.assert_same_in_every_batch(getattr(some, name), getattr(everything, name)[:, :, [4, 1]])
    np.testing.assert_allclose(some.predictions, everything.predictions[[4, 1]], atol=1e-4)
    assert len(some.dreams) == 2


@pytest.mark.parametrize("change", [{"map_indices": [-1]}, {"map_indices": [1, 2], "direction": [1.0, -1.0]}])
def test_where_no_map_has_an_oip_there_is_the_network_alone(tiny_cnn, images, labels, photo, change):
    nothing = surveyed(tiny_cnn(), images, labels, oip=dataclasses.replace(SHORT, **change), photo=photo)
    assert nothing.map_indices.tolist() == []
    assert nothing.dreams.shape[0] == nothing.other_images.shape[0] == nothing.predictions.shape[0] == 0
    assert nothing.layers.tolist()[0] == "Conv2D_1"
    assert len(nothing.elsewhere_map) == 4


@pytest.mark.parametrize("layer", ["Output", "Dense_1", "Max_Pool_1"])
def test_layers_that_are_no_convolution(tiny_cnn, images, labels, photo, layer):
    found = surveyed(tiny_cnn(), images, labels, oip=dataclasses.replace(SHORT, layer=layer), photo=photo)
    assert found.dreams.shape == (0, 0, 0)
    assert len(found.elsewhere_map) == 10


def test_starts_that_are_not_random_agree_on_nothing(tiny_cnn, images, labels):
    picture = dataclasses.replace(NOISE, kind=StartImage.picture, picture="x", blend=0.0)
    oips = sweep_oips(SHORT, picture, tiny_cnn(), seed=0, start_pictures=images[:1])
    found = survey(ATLAS, SHORT, picture, DREAM, tiny_cnn(), oips=oips, seed=0, start_pictures=images[:1])
    assert found.start_names.tolist() == ["picture", "wavelengths 3", "wavelengths 3, 12", "wavelengths 6, 12"]
    assert np.isnan(found.agreement).all()
    assert found.dreams.shape == (0, 0, 0)
    assert np.isnan(found.elsewhere_maximum).all()


def test_stages_of_one_strategy_are_not_those_of_other_wavelengths(tiny_cnn, images, labels):
    staged = dataclasses.replace(SHORT, strategy=Strategy.coarse_to_fine, stage_steps=[3, 3])
    found = surveyed(tiny_cnn(), images, labels, oip=staged)
    assert len(found.start_names) == 3
    assert np.isfinite(found.other_images).all()


def test_progress_goes_up_to_all(tiny_cnn, images, labels, photo):
    told = []
    surveyed(
        tiny_cnn(),
        images,
        labels,
        photo=photo,
        progress=lambda task, done, total, **_: told.append((task, done, total)),
    )
    done = [done for task, done, _ in told if task == "atlas"]
    assert {task for task, _, _ in told} == {"atlas"}
    assert done == sorted(done)
    assert done[-1] == told[-1][2]


# the command line ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a training and OIPs were made, but no atlas; the training is in the store alone."""
    folder = copy_of(trained, tmp_path_factory.mktemp("atlas"))
    shutil.rmtree(folder / "outputs" / "runs")
    succeeded(pipeline(folder, *SMOKE, "stages=[oip]", "oip.xla=false", "noise=long"))
    return folder


def made(output: str, folder: Path) -> Path:
    (line,) = (line for line in output.splitlines() if line.startswith("open it in a browser: "))
    return folder / line.removeprefix("open it in a browser: ")


def described(place: Path) -> dict:
    return json.loads((place / "stage.json").read_text())


def ids(folder: Path, stage: str) -> list[str]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    found = client.get_experiment_by_name(f"mnist-dream/{stage}")
    return [] if found is None else [run.info.run_id for run in client.search_runs([found.experiment_id])]


def test_an_atlas_of_a_run_by_its_folder_stage_and_id(folder: Path) -> None:
    run = runs(folder)[0]
    (oip,) = ids(folder, "oip")
    page = made(succeeded(module(folder, "pipeline.atlas", str(run))), folder)
    text = page.read_text()
    assert "<title>" in text
    assert "noise=long" in text
    # one run of its own, and of the statistics, that stand on those that were there
    assert [len(ids(folder, stage)) for stage in ("train", "statistics", "oip", "atlas")] == [1, 1, 1, 1]
    from mlflow import MlflowClient

    tags = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db").get_run(ids(folder, "atlas")[0]).data.tags
    assert tags["upstream.oip"] == oip
    assert tags["upstream.train"] == ids(folder, "train")[0]
    assert tags["upstream.statistics"] == ids(folder, "statistics")[0]
    # the training of the last two is in the store alone
    for what in (str(run / "oip"), oip, ids(folder, "atlas")[0], str(page.parent), str(page.parent.parent)):
        again = made(succeeded(module(folder, "pipeline.atlas", what)), folder)
        assert again != page
        assert again.read_text() == text, what
    assert len(ids(folder, "atlas")) == 1


def test_the_training_is_taken_from_where_it_is(folder: Path, tmp_path: Path) -> None:
    """From the run beside it, from the store, or else out of MLflow: it is never done again."""
    shutil.copytree(folder / "outputs", tmp_path / "outputs")
    (oip,) = ids(folder, "oip")
    oip_key = described(runs(folder)[0] / "oip")["record"]["key"]
    (training,) = (folder / "outputs" / "store" / "train").iterdir()
    shutil.rmtree(tmp_path / "outputs" / "store")
    page = made(succeeded(module(tmp_path, "pipeline.atlas", oip, "--output-dir", str(tmp_path / "outputs"))), tmp_path)
    upstream = described(page.parent)["ingredients"]["upstream"]
    assert upstream["train"] == training.name
    assert upstream["oip"] == oip_key
    assert {place.name for place in (tmp_path / "outputs" / "store").iterdir()} == {"statistics", "atlas"}


def test_a_training_of_other_code_is_taken_as_it_is(folder: Path, tmp_path: Path) -> None:
    """Today's code would lead to another key, so that a plain run would train again."""
    place = tmp_path / "outputs" / "runs" / "then"
    run = runs(folder)[0]
    shutil.copytree(run / "oip", place / "oip")
    (training,) = (folder / "outputs" / "store" / "train").iterdir()
    shutil.copytree(training, place / "train")
    for stage in ("train", "oip"):
        text = (place / stage / "stage.json").read_text()
        key = described(place / stage)["record"]["key"]
        (place / stage / "stage.json").write_text(text.replace(key, "0" * 60 + stage))
    before = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    page = made(succeeded(module(tmp_path, "pipeline.atlas", str(place))), tmp_path)
    assert described(page.parent)["ingredients"]["upstream"]["train"] == "0" * 60 + "train"
    assert described(page.parent)["ingredients"]["upstream"]["oip"] == "0" * 60 + "oip"
    assert not (tmp_path / "outputs" / "store" / "train").exists()
    assert {file: file.read_bytes() for file in place.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda model: model.unlink(), "takes a training with its model, or one that is in the store of outputs; got "),
        (lambda model: model.write_bytes(b"x" * 9), "takes a training as it was saved; got "),
    ],
)
def test_a_training_whose_model_is_not_whole_is_refused(folder: Path, tmp_path: Path, spoil, message: str) -> None:
    (training,) = (folder / "outputs" / "store" / "train").iterdir()
    shutil.copytree(training, tmp_path / "run" / "train")
    shutil.copytree(runs(folder)[0] / "oip", tmp_path / "run" / "oip")
    spoil(tmp_path / "run" / "train" / "model.keras")
    process = module(tmp_path, "pipeline.atlas", "run")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith(f"mnist-dream: RUN: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_of_another_layer_all_maps_are_wanted(folder: Path) -> None:
    """The maps that were chosen of the run's own layer need not be there."""
    words = ("oip.layer=Output", "atlas.starts=1", "atlas.wavelengths=[]")
    page = made(succeeded(module(folder, "pipeline.atlas", str(runs(folder)[0]), *words)), folder)
    with np.load(page.parent / "atlas.npz") as found:
        assert found["map_indices"].tolist() == list(range(10))
        assert found["dreams"].shape == (0, 0, 0)


def test_another_layer_and_a_copy_of_the_page(folder: Path, tmp_path: Path) -> None:
    oip = ids(folder, "oip")[-1]
    words = (
        "oip.layer=Conv2D_1",
        "oip.map_indices=[0,3]",
        "atlas.dream.size=0",
        "--output",
        str(tmp_path / "a.html"),
    )
    process = module(folder, "pipeline.atlas", oip, *words)
    page = made(succeeded(process), folder)
    # of the first convolution the default shows nothing
    assert "oip.objective=activation shows what it reacts to" in process.stderr
    assert page == tmp_path / "a.html"
    assert "Conv2D_1" in re.findall("<title>(.*?)</title>", page.read_text())[0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    before = page.read_bytes()
    process = module(folder, "pipeline.atlas", oip, *words)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("mnist-dream: --output: takes a file that is not there yet")
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["0" * 32], "RUN: takes the id of a run of a stage in the record"),
        ([" "], "RUN: takes the id of a run, or the folder of a stage; got nothing"),
        (["outputs"], "RUN: takes a stage"),
        (["{run}", "train.epochs=3"], "train.epochs=3: the training is that of the run"),
        (["{run}", "stages=[train]"], "stages=[train]: this command makes an atlas alone"),
        (["{run}", "oip.step=3"], "oip.step: no such setting; did you mean"),
        (["{run}", "atlas.starts=0"], "atlas.starts: takes a whole number of at least 1 and at most 32; got 0"),
        (["{run}", "noise=long"], "noise=long: only single settings can be changed"),
        (["{run}", "--output", "nowhere/a.html"], "--output: takes a file that is not there yet, in a folder that is"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(folder: Path, words: list[str], message: str) -> None:
    before = {path for path in (folder / "outputs").rglob("*") if "mlflow.db" not in path.name}
    run = runs(folder)[0]
    process = module(folder, "pipeline.atlas", *(word.replace("{run}", str(run)) for word in words))
    assert process.returncode == 2
    (line,) = [line for line in process.stderr.splitlines() if line]
    assert line.startswith(f"mnist-dream: {message}")
    assert {path for path in (folder / "outputs").rglob("*") if "mlflow.db" not in path.name} == before


def test_of_a_deep_cnn_the_layers_around_are_looked_at():
    layers = [Input(name="I", shape=(32, 32, 3))]
    layers += [Convolution(name=f"C{k}", filters=100, size=(1, 1), activation="relu") for k in range(12)]
    network = Network(tuple(layers))
    assert near(network, "C6") == ["C3", "C4", "C5", "C7", "C8"]
    assert near(network, "C11") == ["C6", "C7", "C8", "C9", "C10"]
    assert near(Network(tuple(layers[:5])), "C0") == ["C1", "C2", "C3"]

"""Two CNNs side by side: copies with maps in another order, dead maps, other widths; epochs; the page; the command."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from browser import barriers, browser, emulated, needs_axe, needs_browser
from commands import SMOKE, arrays, kill_all, module, pipeline, runs, start, succeeded, wait_for
from oip_settings import NOISE, OIP
from recording import client_of
from templates import copy_of, made_once

from pipeline.core import cnn, layers
from pipeline.core.cnn import reset_weights, weights_by_name
from pipeline.core.score import features_of
from pipeline.drawing.pictures import Page
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Split
from pipeline.stages.compare.compute import compare_cnns
from pipeline.stages.compare.metrics import maps_table
from pipeline.stages.compare.other import weights_of, with_weights
from pipeline.stages.compare.page import About
from pipeline.stages.compare.pictures import render_comparison
from pipeline.stages.compare.result import CompareResult
from pipeline.stages.compare.settings import CompareConfig
from pipeline.stages.oip.compute import sweep_oips

COUNT, MAPS = 60, 6
CONFIG = CompareConfig(
    other="other.keras", other_custom=None, layer="Conv2D_2", other_layer=None, epoch=None, snapshots=None,
    other_epoch=None, other_snapshots=None, split=Split.test, images=2000, map_indices=None, top=3, names=None,
)  # fmt: skip
SHORT = dataclasses.replace(OIP, steps=4)
# where a map of the copy stands
ORDER = np.array([3, 0, 5, 1, 4, 2])


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(COUNT, 12, 12, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.arange(COUNT) % 3


def changed(model: keras.Model, change) -> keras.Model:
    """A copy with other weights: change is given them by their paths."""
    copy, weights = keras.models.clone_model(model), weights_by_name(model)
    change(weights)
    reset_weights(copy, weights)
    return copy


def permuted(weights: dict[str, np.ndarray]) -> None:
    """Put the maps of Conv2D_2 into another order, and let the next layer know."""
    weights["Conv2D_2/kernel"] = weights["Conv2D_2/kernel"][..., ORDER]
    weights["Conv2D_2/bias"] = weights["Conv2D_2/bias"][ORDER]
    dense = weights["Dense_1/kernel"].reshape(3, 3, MAPS, 5)
    weights["Dense_1/kernel"] = dense[:, :, ORDER].reshape(-1, 5)


def silenced(*maps: int):
    def change(weights: dict[str, np.ndarray]) -> None:
        weights["Conv2D_2/bias"][list(maps)] = -1000

    return change


def compared(model, other, images, labels, config=CONFIG, **options) -> CompareResult:
    return compare_cnns(config, SHORT, NOISE, model, other, images, labels, seed=0, **options)


def finite(result: CompareResult) -> None:
    for name, array in result.arrays()["compare.npz"].items():
        assert array.dtype.kind != "f" or np.isfinite(array).all(), name


# what is computed ----------------------------------------------------------------------------------------------------


def test_a_cnn_and_itself_are_one(tiny_cnn, images, labels) -> None:
    result = compared(tiny_cnn(), tiny_cnn(), images, labels)
    assert result.maps.tolist() == result.others.tolist() == list(range(MAPS))
    np.testing.assert_allclose(result.matched, 1, rtol=0, atol=1e-12)
    assert result.mean_correlation == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(np.diag(result.cka), 1, rtol=0, atol=1e-12)
    assert result.layer_cka == pytest.approx(1, abs=1e-12)
    assert len(result.changed) == 0
    np.testing.assert_array_equal(result.oips, result.other_oips)
    np.testing.assert_array_equal(result.top_indices, result.other_top_indices)
    finite(result)


def test_maps_in_another_order_are_found_again(tiny_cnn, images, labels) -> None:
    result = compared(tiny_cnn(), changed(tiny_cnn(), permuted), images, labels)
    np.testing.assert_array_equal(ORDER[result.others], result.maps)
    np.testing.assert_allclose(result.matched, 1, rtol=0, atol=1e-10)
    # also of the layers behind, and of the layer itself, whose features are in another order
    np.testing.assert_allclose(np.diag(result.cka), 1, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.probabilities, result.other_probabilities, atol=1e-6)
    assert len(result.changed) == 0
    np.testing.assert_array_equal(result.top_indices, result.other_top_indices)
    finite(result)


def test_figures_are_those_of_numpy(new_cnn, images, labels) -> None:
    model, other = new_cnn(seed=1), new_cnn(seed=2)
    result = compared(model, other, images, labels)
    own, second = (features_of(each, "Conv2D_2", images).astype(np.float64) for each in (model, other))
    live = [index for index in range(MAPS) if np.ptp(own[..., index]) > 0]
    other_live = [index for index in range(MAPS) if np.ptp(second[..., index]) > 0]
    expected = np.corrcoef(own.reshape(-1, MAPS).T[live], second.reshape(-1, MAPS).T[other_live])
    found = result.correlation[np.ix_(live, other_live)]
    np.testing.assert_allclose(found, expected[: len(live), len(live) :], rtol=0, atol=1e-9)
    assert result.by_position
    means = own.mean(axis=(1, 2))
    np.testing.assert_allclose(result.largest, means.max(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(result.top_indices[0], np.argsort(-means[:, result.maps[0]], kind="stable")[:3])
    np.testing.assert_allclose(result.probabilities, model.predict(images, verbose=0), atol=1e-6)
    said = [each.predict(images, verbose=0).argmax(axis=1) for each in (model, other)]
    assert sorted(result.changed.tolist()) == np.flatnonzero(said[0] != said[1]).tolist()
    evaluations = result.evaluations
    assert evaluations is not None
    assert [each.accuracy for each in evaluations] == [(one == labels).mean() for one in said]
    assert result.layers.tolist() == ["Conv2D_1", "Conv2D_2", "Dense_1", "Output"]
    assert result.cka.shape == (4, 4)
    x, y = (features_of(each, "Conv2D_1", images).reshape(COUNT, -1).astype(np.float64) for each in (model, other))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norm = np.linalg.norm
    cka = norm(y.T @ x) ** 2 / (norm(x.T @ x) * norm(y.T @ y))
    np.testing.assert_allclose(result.cka[0, 0], cka, rtol=1e-9)


def test_images_with_another_class_come_with_those_first_of_which_both_are_sure(tiny_cnn, images, labels) -> None:
    result = compared(tiny_cnn(), tiny_cnn(), images, labels)
    own, other = np.full((COUNT, 3), [0.5, 0.3, 0.2]), np.full((COUNT, 3), [0.5, 0.3, 0.2])
    other[7], other[9], own[9] = [0.1, 0.6, 0.3], [0.05, 0.05, 0.9], [0.8, 0.1, 0.1]
    result = dataclasses.replace(result, probabilities=own, other_probabilities=other)
    # 0.8 + 0.9 before 0.5 + 0.6
    assert result.changed.tolist() == [9, 7]


def test_oips_are_those_of_a_sweep_of_either(new_cnn, images, labels) -> None:
    model, other = new_cnn(seed=1), new_cnn(seed=2)
    result = compared(model, other, images, labels, dataclasses.replace(CONFIG, map_indices=[4, 1]))
    assert set(result.maps[result.shown].tolist()) <= {1, 4}
    for each, maps, oips, activation in (
        (model, result.maps, result.oips, result.activation),
        (other, result.others, result.other_oips, result.other_activation),
    ):
        chosen = dataclasses.replace(SHORT, map_indices=maps[result.shown].tolist())
        own = sweep_oips(chosen, NOISE, each, seed=0)
        np.testing.assert_array_equal(oips, own.images)
        np.testing.assert_array_equal(activation, own.activation)


def test_dead_maps_come_last_and_are_said_to_be_dead(tiny_cnn, images, labels) -> None:
    model = changed(tiny_cnn(), silenced(1))
    result = compared(model, changed(model, lambda weights: (permuted(weights), silenced(5)(weights))), images, labels)
    # map 1 of the copy is at 3; its map at 5 is the own 2
    assert result.dead.tolist() == [index == 1 for index in range(MAPS)]
    assert result.other_dead.tolist() == [index in (3, 5) for index in range(MAPS)]
    pairs = dict(zip(result.maps.tolist(), result.others.tolist(), strict=True))
    assert pairs[1] == 3
    assert result.maps[-1] == 1
    assert all(ORDER[other] == own for own, other in pairs.items() if own != 1)
    # 2 would be matched with the one at 5, which is dead
    assert 2 not in pairs
    assert result.matched[-1] == 0
    assert result.mean_correlation == pytest.approx(1, abs=1e-9)
    finite(result)
    table = maps_table(result)
    rows = list(zip(*table.values(), strict=True))
    assert rows[1] == (1, 3, None, "dead")
    assert rows[-2:] == [(2, None, None, "no partner"), (None, 5, None, "dead, no partner")]
    assert 1 not in result.maps[result.shown]


def test_all_maps_may_be_dead(tiny_cnn, images, labels) -> None:
    model = changed(tiny_cnn(), silenced(*range(MAPS)))
    result = compared(model, model, images, labels)
    assert np.isnan(result.mean_correlation)
    assert result.dead.all()
    assert result.maps.tolist() == result.others.tolist() == list(range(MAPS))
    assert len(result.shown) == 0
    pictures = drawn(result, images)
    assert "Dead in A" in text_of(pictures)


def wide_cnn() -> keras.Model:
    """A CNN of other layers of other widths."""
    network = layers.Network(
        (
            layers.Input(name="Input", shape=(12, 12, 1)),
            layers.Convolution(name="first", filters=9, size=(5, 5), activation="relu"),
            layers.Flatten(name="Flatten"),
            layers.Dense(name="Output", units=4, activation="softmax"),
        )
    )
    return cnn.build_cnn(network, regularizer=None, seed=3)


def test_cnns_of_other_widths_layers_and_classes(tiny_cnn, images, labels) -> None:
    with pytest.raises(InputError, match=r"compare\.other_layer: takes a layer of the other CNN: first, Output; got"):
        compared(tiny_cnn(), wide_cnn(), images, labels)
    config = dataclasses.replace(CONFIG, other_layer="first")
    result = compared(tiny_cnn(), wide_cnn(), images, labels, config)
    # 3 x 3 positions and 8 x 8: of the means
    assert not result.by_position
    means = [
        features_of(model, name, images).mean(axis=(1, 2))
        for model, name in ((tiny_cnn(), "Conv2D_2"), (wide_cnn(), "first"))
    ]
    pair = [
        each[:, index[0]].astype(np.float64) for each, index in zip(means, (result.maps, result.others), strict=True)
    ]
    assert result.matched[0] == pytest.approx(np.corrcoef(*pair)[0, 1], abs=1e-6)
    assert len(result.maps) == int(result.live.sum()) <= MAPS
    assert len(set(result.others.tolist())) == len(result.others)
    assert result.cka.shape == (4, 2)
    # 3 classes and 4
    assert not result.classifies
    assert result.evaluations is None
    pictures = drawn(result, images, class_names=())
    assert "changed.png" not in pictures
    text = text_of(pictures)
    assert "have no partner" in text
    assert "another class" not in text
    turned = compared(
        wide_cnn(), tiny_cnn(), images, labels, dataclasses.replace(config, layer="first", other_layer="Conv2D_2")
    )
    np.testing.assert_allclose(sorted(turned.matched), sorted(result.matched), rtol=0, atol=1e-12)


def test_images_without_classes(tiny_cnn, new_cnn, images) -> None:
    result = compared(tiny_cnn(), new_cnn(seed=4), images, np.full(COUNT, -1))
    assert result.classifies
    assert result.evaluations is None
    text = text_of(drawn(result, images, class_names=()))
    assert "accuracy" not in text
    assert "Images with another class" in text


def test_units_of_dense_layers_are_matched_too(new_cnn, images, labels) -> None:
    config = dataclasses.replace(CONFIG, layer="Output")
    result = compared(new_cnn(seed=1), new_cnn(seed=2), images, labels, config)
    assert result.by_position
    assert result.correlation.shape == (3, 3)
    assert len(result.maps) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": "Flat"}, "compare.layer: takes a layer of the model; got no layer 'Flat'"),
        ({"other_layer": "Flat"}, "compare.other_layer: takes a layer of the other CNN: Conv2D_1, "),
        ({"map_indices": [6]}, "compare.map_indices: takes map indices 0 to 5 of Conv2D_2; got 6"),
    ],
)
def test_what_is_not_there_is_refused(tiny_cnn, images, labels, change, message) -> None:
    if "layer" in change:
        change = {**change, "other_layer": "Conv2D_2"}
    with pytest.raises(InputError) as caught:
        compared(tiny_cnn(), tiny_cnn(), images, labels, dataclasses.replace(CONFIG, **change))
    assert str(caught.value).startswith(message)


def test_a_second_cnn_that_cannot_be_compared_is_refused(tiny_cnn, images, labels) -> None:
    inputs = keras.Input((9, 9, 1))
    small = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Conv2D(2, 3, name="Conv2D_2")(inputs)))
    with pytest.raises(InputError, match=r"compare\.other: takes a CNN of pictures of 12 x 12 x 1, as "):
        compared(tiny_cnn(), small, images, labels)

    def spoilt(weights: dict[str, np.ndarray]) -> None:
        weights["Conv2D_2/bias"][0] = np.nan

    with pytest.raises(InputError, match=r"compare\.other: takes a CNN whose weights are finite numbers; got NaN"):
        compared(tiny_cnn(), changed(tiny_cnn(), spoilt), images, labels)


# epochs --------------------------------------------------------------------------------------------------------------


def keep(file: Path, epochs: dict[int, keras.Model]) -> None:
    """Write what train.snapshots keeps."""
    np.savez(
        file,
        **{
            f"epoch_{epoch:04d}/{name}": values
            for epoch, model in epochs.items()
            for name, values in weights_by_name(model).items()
        },
    )


def test_the_weights_of_an_epoch(new_cnn, tmp_path: Path) -> None:
    first, second, last = (new_cnn(seed=seed) for seed in (1, 2, 3))
    keep(tmp_path / "snapshots.npz", {0: first, 12: second})
    file = str(tmp_path / "snapshots.npz")
    before = weights_by_name(last)
    found = with_weights(last, weights_of(12, file, "compare.epoch"), "compare.epoch")
    for name, values in weights_by_name(second).items():
        np.testing.assert_array_equal(weights_by_name(found)[name], values)
        # other stages stand on that
        np.testing.assert_array_equal(weights_by_name(last)[name], before[name])
    assert weights_of(None, None, "compare.epoch") is None
    assert with_weights(last, None, "compare.epoch") is last


def test_weights_of_epochs_that_cannot_be_had_are_refused(new_cnn, tmp_path: Path) -> None:
    keep(tmp_path / "snapshots.npz", {0: new_cnn(), 4: new_cnn()})
    (tmp_path / "broken.npz").write_bytes(b"no")
    for key, file, epoch, message in (
        ("compare.epoch", "snapshots.npz", 3, "compare.epoch: takes an epoch that was kept: 0, 4; got 3"),
        ("compare.other_epoch", "broken.npz", 4, "compare.other_snapshots: takes the snapshots.npz of a training"),
        ("compare.epoch", "none.npz", 4, "compare.snapshots: takes the snapshots.npz of a training"),
    ):
        with pytest.raises(InputError) as caught:
            weights_of(epoch, str(tmp_path / file), key)
        assert str(caught.value).startswith(message)
    with pytest.raises(InputError, match=r"compare\.other_snapshots: takes snapshots of this CNN; got weights"):
        with_weights(wide_cnn(), weights_of(4, str(tmp_path / "snapshots.npz"), ""), "compare.other_epoch")


# the page ------------------------------------------------------------------------------------------------------------

ABOUT = About(
    run="compare seed=1", name="one", other="two", dataset="noise", split="test", command="python -m pipeline"
)


def drawn(
    result: CompareResult, images: np.ndarray, *, about: About = ABOUT, class_names=("a", "b", "c")
) -> dict[str, Any]:
    pictures = render_comparison(about, result, images, class_names)
    assert {"compare.html", "maps.csv", "maps.png", "cka.png"} <= pictures.keys()
    return pictures


def text_of(pictures: dict[str, Any], name: str = "compare.html") -> str:
    page = pictures[name]
    assert isinstance(page, Page)
    return page.text


@pytest.fixture(scope="module")
def example(new_cnn, images, labels) -> CompareResult:
    return compared(new_cnn(seed=1), new_cnn(seed=2), images, labels)


def test_the_page_says_what_was_found_and_asks_for_nothing(example, images) -> None:
    assert example.classifies
    assert len(example.changed) > 0
    pictures = drawn(example, images)
    text = text_of(pictures)
    assert text == text_of(drawn(example, images))
    for own, other, value in zip(example.maps, example.others, example.matched, strict=True):
        if not example.dead[own]:
            assert f"A {own} ~ B {other}" in text
            assert f"{value:.3f}".replace("-", "\N{MINUS SIGN}") in text
    assert f"<b>{example.mean_correlation:.3f}</b>".replace("-", "\N{MINUS SIGN}") in text
    assert f"{len(example.changed)} of 60 images" in text
    assert "<script" not in text
    assert not re.findall(r"(?:src|href)=\"(?!data:image/|#)", text)
    table = text_of(pictures, "maps.csv").splitlines()
    assert table[0] == "map,other map,correlation,state"
    first = table[1].split(",")
    row = example.maps.tolist().index(0)
    assert [int(first[0]), int(first[1]), float(first[2])] == [0, example.others[row], example.matched[row]]
    for name in ("maps.png", "cka.png", "changed.png"):
        assert pictures[name].dtype == np.uint8
        assert pictures[name].shape[2] == 3


def test_classes_whose_names_are_cut_alike_are_told_apart(example, images) -> None:
    begin = "a class with a very long name, of the kind "
    one, several = (drawn(example, images, class_names=[f"{begin}{kind}" for kind in kinds])["changed.png"]
                    for kinds in (("a", "a", "a"), ("a", "b", "c")))  # fmt: skip
    assert one.shape == several.shape
    assert (one != several).any()


def test_text_of_the_user_is_escaped(example, images) -> None:
    bad = "<script>alert(1)</script>"
    about = dataclasses.replace(ABOUT, run=bad, name=bad, other=bad, dataset=bad, settings={bad: bad}, tags={bad: bad})
    assert bad not in text_of(drawn(example, images, about=about, class_names=(bad, "b", "c")))


@needs_browser
@needs_axe
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_accessibility_check_finds_nothing_serious(example, images, tmp_path: Path, dark: bool) -> None:
    (tmp_path / "page.html").write_text(text_of(drawn(example, images)), encoding="utf-8")
    with browser() as driver:
        emulated(driver, dark=dark)
        driver.get((tmp_path / "page.html").as_uri())
        driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert barriers(driver) == []
        # nothing is wider than the window
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert driver.get_log("browser") == []


# the command ---------------------------------------------------------------------------------------------------------

FEW = ("compare.map_indices=[0,1,2]", "oip.steps=2")


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    """A folder with two trainings, of which each kept the weights of an epoch. Not to be changed."""

    def make(folder: Path) -> None:
        copy_of(trained, folder)
        succeeded(pipeline(folder, *SMOKE, "stages=[train]", "train.seed=1"))
        for run in runs(folder):
            file = keras.models.load_model(run / "train" / "model.keras", compile=False)
            key = json.loads((run / "train" / "stage.json").read_text())["record"]["key"]
            # its place in the store is that from which it is taken
            with np.load(run / "train" / "initial_weights.npz") as first:
                begun = changed(file, lambda weights, first=first: weights.update(first))
            for place in (run / "train", folder / "outputs" / "store" / "train" / key):
                keep(place / "snapshots.npz", {0: begun, 1: file})

    return made_once(tmp_path_factory, "two_trainings", make)


def made(output: str, folder: Path) -> Path:
    """The folder of the comparison."""
    (page,) = re.findall(r"^open it in a browser: (.*)$", output, re.MULTILINE)
    place = (folder / page).parent
    assert (place / "compare.html").is_file()
    return place


def figures(folder: Path, place: Path) -> dict[str, float]:
    """What MLflow has of the run of a comparison."""
    client = client_of(folder)
    experiment = client.get_experiment_by_name("mnist-dream/compare")
    key = json.loads((place / "stage.json").read_text())["record"]["key"]
    (run,) = client.search_runs([experiment.experiment_id], f"tags.stage_key = '{key}'")
    return {"id": run.info.run_id, **run.data.metrics}


def test_two_trainings_are_compared_and_a_rerun_gives_the_same_bits(two: Path, tmp_path: Path) -> None:
    copy_of(two, tmp_path)
    first, second = runs(tmp_path)
    place = made(succeeded(module(tmp_path, "pipeline.compare", str(first), str(second / "train"), *FEW)), tmp_path)
    recorded = figures(tmp_path, place)
    with np.load(place / "compare.npz") as found:
        matched, live = found["matched"], ~found["dead"][found["maps"]]
        assert recorded["mean_correlation"] == pytest.approx(matched[live].mean())
        assert recorded["matched"] == live.sum()
        assert recorded["cka"] == pytest.approx(found["cka"][2, 2])
        own, other = found["probabilities"].argmax(axis=1), found["other_probabilities"].argmax(axis=1)
        assert recorded["changed_share"] == pytest.approx((own != other).mean())
        labels = found["labels"]
        assert recorded["accuracy"] == pytest.approx((own == labels).mean())
        assert recorded["other_accuracy"] == pytest.approx((other == labels).mean())
    with np.load(second / "train" / "evaluation.npz") as trained:
        np.testing.assert_allclose(trained["probabilities"].argmax(axis=1), other)
    for name in ("maps.png", "cka.png", "changed.png", "maps.csv"):
        assert (place / name).is_file()
    assert (place / "other.keras").read_bytes() == (second / "train" / "model.keras").read_bytes()
    assert "train.seed=1" in (place / "compare.html").read_text()
    before = arrays(place)
    # also where the second training is gone: its file is kept
    for gone in (second / "train" / "model.keras", *(tmp_path / "outputs" / "store" / "train").glob("*/model.keras")):
        if gone.read_bytes() == (place / "other.keras").read_bytes():
            gone.unlink()
    output = succeeded(module(tmp_path, "pipeline.rerun", str(place)))
    assert f"compare      bit-identical, {len(before)} arrays" in output
    assert "its copy is taken" in output
    # both are named by what the trainings are called, and the second tells of which record it is
    called = [json.loads((run / "train" / "stage.json").read_text())["record"]["name"] for run in (first, second)]
    named = [client_of(tmp_path).get_run(str(recorded["id"]))]
    named += client_of(tmp_path).search_runs(
        [named[0].info.experiment_id], f"tags.rerun_of = '{'/'.join(place.parts[-3:])}'"
    )
    assert [run.info.run_name for run in named] == [f"compare {called[0]} | {called[1]} {' '.join(FEW)}"] * 2


def test_one_training_and_itself_by_its_id(two: Path, tmp_path: Path) -> None:
    copy_of(two, tmp_path)
    client = client_of(tmp_path)
    experiment = client.get_experiment_by_name("mnist-dream/train")
    run = client.search_runs([experiment.experiment_id])[0].info.run_id
    place = made(succeeded(module(tmp_path, "pipeline.compare", *FEW, run, run)), tmp_path)
    recorded = figures(tmp_path, place)
    assert recorded["mean_correlation"] == pytest.approx(1, abs=1e-12)
    assert recorded["cka"] == pytest.approx(1, abs=1e-12)
    assert recorded["changed_share"] == 0
    with np.load(place / "compare.npz") as found:
        live = ~found["dead"][found["maps"]]
        np.testing.assert_array_equal(found["maps"][live], found["others"][live])


def test_epochs_of_one_training(two: Path, tmp_path: Path) -> None:
    copy_of(two, tmp_path)
    run = str(runs(tmp_path)[0])
    # epoch 1 is the model itself
    place = made(succeeded(module(tmp_path, "pipeline.compare", f"{run}@1", run, *FEW)), tmp_path)
    assert figures(tmp_path, place)["mean_correlation"] == pytest.approx(1, abs=1e-12)
    assert "epoch 1" in (place / "compare.html").read_text()
    place = made(succeeded(module(tmp_path, "pipeline.compare", run, f"{run}/train@0", *FEW)), tmp_path)
    assert figures(tmp_path, place)["mean_correlation"] < 0.999
    assert (place / "other_snapshots.npz").is_file()
    assert not (place / "snapshots.npz").exists()
    with np.load(place / "compare.npz") as found:
        assert np.isfinite(found["matched"]).all()


def test_model_files(two: Path, tmp_path: Path) -> None:
    copy_of(two, tmp_path)
    first, second = (str(run / "train" / "model.keras") for run in runs(tmp_path))
    place = made(
        succeeded(module(tmp_path, "pipeline.compare", first, second, "data=digits", "data.limit=60", *FEW)), tmp_path
    )
    with np.load(place / "compare.npz") as found:
        by_file = {name: found[name] for name in ("matched", "cka", "probabilities")}
    place = made(succeeded(module(tmp_path, "pipeline.compare", str(runs(tmp_path)[0]), second, *FEW)), tmp_path)
    with np.load(place / "compare.npz") as found:
        for name, values in by_file.items():
            np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{run}"], "the following arguments are required: RUN_B"),
        (["{run}", "oip.steps=3"], "RUN_A RUN_B: takes runs, and settings such as oip.steps=100; got 1 of them in "),
        (["{run}", "{run}", "{run}"], "RUN_A RUN_B: takes runs, and settings such as oip.steps=100; got 3 of them in "),
        (["{run}", "0" * 32], "RUN_B: takes the id of a run of a stage in the record"),
        (["outputs", "{run}"], "RUN_A: takes a stage"),
        (["{run}", "{run}@7"], "RUN_B: takes an epoch that was kept: 0, 1; got 7"),
        (["{run}@7", "{run}"], "RUN_A: takes an epoch that was kept: 0, 1; got 7"),
        *(
            (
                ["{run}", f"{{run}}@{epoch}"],
                f"RUN_B: takes the number of an epoch behind @, such as RUN@4; got '{epoch}'",
            )
            for epoch in ("-1", "x", "", "1.5", "1@2", "\N{ARABIC-INDIC DIGIT ONE}")
        ),
        (["{run}", "{run}", "compare.epoch=1"], "compare.epoch=1: an epoch is named behind the run, such as RUN@4"),
        (["{run}", "{run}", "compare.other_epoch=1"], "compare.other_epoch=1: an epoch is named behind the run"),
        *(
            (["{run}", "{run}", f"compare.names={names}"], "compare.names: takes ")
            for names in ("[[a],b]", "[null,b]", "['',b]", "[a]")
        ),
        (
            ["{run}", "{run}/train/model.keras@1"],
            "RUN_B: takes an epoch, @4, of a training, by its run or folder",
        ),
        (["{run}", "{run}/train/curves.png"], "RUN_B: takes a .keras or .h5 file of a whole Keras model; got "),
        (["{run}/train/curves.png", "{run}"], "RUN_A: takes a .keras or .h5 file of a whole Keras model; got "),
        (["{run}", "{run}", "train.epochs=3"], "train.epochs=3: the trainings are those of the runs"),
        (["{run}", "{run}", "stages=[train]"], "stages=[train]: this command makes a comparison alone"),
        (["{run}", "{run}", "compare.other=a"], "compare.other=a: RUN_A and RUN_B say which files are looked at"),
        (["{run}", "{run}", "compare.layer=Conv"], "compare.layer: takes a layer of the model: Conv2D_1, "),
        (
            ["{run}", "{run}", "compare.other_layer=Conv"],
            "compare.other_layer: takes a layer of the other CNN: Conv2D_1, ",
        ),
        (
            ["{run}", "{run}", "compare.map_indices=[200]"],
            "compare.map_indices: takes a whole number of at least 0 and at most 127",
        ),
        (["{run}", "{run}", "compare.tops=3"], "compare.tops: no such setting; did you mean compare.top"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(two: Path, words: list[str], message: str) -> None:
    def there() -> set[Path]:
        return {path for path in (two / "outputs").rglob("*") if "mlflow.db" not in path.name}

    before, run = there(), str(runs(two)[0])
    process = module(two, "pipeline.compare", *(word.replace("{run}", run) for word in words))
    assert process.returncode == 2
    lines = [line for line in process.stderr.splitlines() if "loading" not in line]
    assert message in lines[-1]
    assert "Traceback" not in process.stderr
    assert there() == before


def test_a_second_cnn_that_needs_settings_of_its_own_is_said_to(two: Path, tmp_path: Path) -> None:
    picture = keras.Input((28, 28, 1))
    flat = keras.layers.Flatten()(picture)
    keras.Model(picture, [keras.layers.Dense(10)(flat), keras.layers.Dense(2)(flat)]).save(tmp_path / "two.keras")
    run = runs(two)[0]
    process = module(two, "pipeline.compare", str(run), str(tmp_path / "two.keras"))
    assert process.returncode == 2
    line = process.stderr.splitlines()[-1]
    assert "RUN_B: takes a CNN of one picture of a known size, with one output; got another: model.output would" in line


def test_two_files_of_one_name_have_their_folders_and_need_no_convolution(two: Path, tmp_path: Path) -> None:
    copy_of(two, tmp_path)
    for folder, seed in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        keras.utils.set_random_seed(seed)
        dense = keras.layers.Dense(10, "softmax", name="Dense_1")
        keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), dense]).save(
            tmp_path / folder / "model.keras"
        )
    words = ("data=digits", "data.limit=60", "data.preprocessing=standardize", "oip.steps=2", "compare.layer=Dense_1")
    place = made(
        succeeded(module(tmp_path, "pipeline.compare", "one/model.keras", "two/model.keras", *words)), tmp_path
    )
    page = (place / "compare.html").read_text()
    assert "one/model.keras" in page
    assert "two/model.keras" in page


def test_the_stage_without_a_second_cnn_is_one_line(tmp_path: Path) -> None:
    process = pipeline(tmp_path, *SMOKE, "stages=[compare]")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("mnist-dream: compare.other: takes the file of the second CNN, such as the model.keras of")
    assert list(tmp_path.iterdir()) == []


def test_what_was_killed_halfway_leaves_nothing_half_made(two: Path, tmp_path: Path) -> None:
    copy_of(two, tmp_path)
    first, second = map(str, runs(tmp_path))
    words = (first, second, "oip.steps=400", "oip.xla=false")
    process = start(tmp_path, "pipeline.compare", *words)
    wait_for(lambda: len(runs(tmp_path)) > 2 and any((tmp_path / "outputs" / "store").glob("compare/*")), process)
    assert process.poll() is None
    kill_all(process)
    assert not list((tmp_path / "outputs").rglob("compare.npz"))
    assert not [place for place in (tmp_path / "outputs" / "runs").rglob("compare") if place.is_dir()]
    place = made(succeeded(module(tmp_path, "pipeline.compare", first, second, *FEW)), tmp_path)
    assert arrays(place)

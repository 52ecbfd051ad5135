"""The whole pipeline through the command line, on the embedded data: what it leaves, reuses and repeats."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import SMOKE, STAGES, arrays, execute, pipeline, runs, succeeded
from PIL import Image


def digests(run: Path) -> dict[str, dict[str, str]]:
    return {stage: json.loads((run / stage / "stage.json").read_text())["digests"] for stage in STAGES}


def test_the_results_on_disk_are_complete(smoke: Path) -> None:
    (run,) = runs(smoke)
    assert {path.name for path in run.iterdir()} >= {*STAGES, ".hydra"}
    for file in (
        "train/model.keras",
        "train/initial_weights.npz",
        "train/history.npz",
        "train/curves.png",
        "train/evaluation.npz",
        "train/confusion.png",
        "train/misclassified.png",
        "train/calibration.png",
        "activations/feature_maps.npz",
        "activations/images.png",
        "statistics/statistics.npz",
        "statistics/classes.png",
        "statistics/top_images.png",
        "oip/oip.npz",
        "oip/contact_sheet.png",
        "oip/maps/map_056.png",
        "oip/evolution.png",
        "oip/emergence.gif",
        "dream/dream.npz",
        "dream/dream.png",
        "dream/growing.webp",
        "dream/before_after.png",
        "atlas/atlas.npz",
        "atlas/atlas.html",
        "atlas/dreams.png",
    ):
        assert (run / file).stat().st_size > 100, file
    for stage in STAGES:
        assert "wavelengths" in (run / stage / "config.yaml").read_text()
        record = json.loads((run / stage / "stage.json").read_text())
        assert record["process"]["packages"]["tensorflow"]
        assert record["process"]["overrides"] == list(SMOKE)


def test_the_score_of_a_map_is_that_of_its_picture_file(smoke: Path) -> None:
    import keras

    (run,) = runs(smoke)
    model = keras.models.load_model(run / "train" / "model.keras")
    found = np.load(run / "oip" / "oip.npz")
    part = keras.Model(model.inputs, model.get_layer("Conv2D_3").output)
    for index, score in zip(found["map_indices"], found["activation"], strict=True):
        pixels = np.asarray(Image.open(run / "oip" / "maps" / f"map_{index:03d}.png"), np.float64)
        pixels = pixels[:: len(pixels) // 28, :: len(pixels) // 28]
        feature_maps = part(((pixels - pixels.mean()) / pixels.std())[None, ..., None].astype(np.float32)).numpy()
        assert feature_maps[..., index].mean() == pytest.approx(score, rel=1e-4)
        assert score > 0


def test_what_lies_on_disk_is_what_the_figures_say(smoke: Path) -> None:
    (run,) = runs(smoke)
    found = arrays(run)
    record = json.loads((run / "oip" / "stage.json").read_text())["record"]
    assert record["metrics"]["mean_activation"] == pytest.approx(
        float(found["oip/oip.npz/activation"].mean()), rel=1e-6
    )
    assert record["metrics"]["triggered"] == np.count_nonzero(found["oip/oip.npz/activation"] > 0)
    assert record["series"]["objective_max"]["3"] == pytest.approx(float(found["oip/oip.npz/objective"][3].max()))
    history = json.loads((run / "train" / "stage.json").read_text())["record"]["series"]["test_accuracy"]
    assert list(history.values()) == pytest.approx(found["train/history.npz/test_accuracy"].tolist())


def test_mlflow_has_an_experiment_per_stage_and_a_run_each(smoke: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{smoke}/outputs/mlflow.db")
    found = {}
    for stage in STAGES:
        experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
        (found[stage],) = client.search_runs([experiment.experiment_id])
        assert found[stage].info.status == "FINISHED"
        assert found[stage].data.tags["stage"] == stage
    train = found["train"]
    for stage in STAGES[1:]:
        assert found[stage].data.tags["upstream.train"] == train.info.run_id
    epochs = client.get_metric_history(train.info.run_id, "test_accuracy")
    (run,) = runs(smoke)
    with np.load(run / "train" / "history.npz") as history:
        assert [metric.value for metric in sorted(epochs, key=lambda m: m.step)] == history["test_accuracy"].tolist()
    with np.load(run / "oip" / "oip.npz") as oip:
        scores = {
            metric.step: metric.value for metric in client.get_metric_history(found["oip"].info.run_id, "activation")
        }
        assert scores == pytest.approx(dict(zip(oip["map_indices"].tolist(), oip["activation"].tolist(), strict=True)))
    assert found["oip"].data.params["noise.wavelengths"] == "3,7,14,28"
    assert train.inputs.dataset_inputs[0].dataset.name == "digits"


def test_a_second_run_reuses_every_stage_and_makes_no_second_record(smoke_here: Path) -> None:
    from mlflow import MlflowClient

    (first,) = runs(smoke_here)
    output = succeeded(pipeline(smoke_here, *SMOKE))
    assert output.count("(reused)") == len(STAGES)
    _, second = runs(smoke_here)
    assert digests(first) == digests(second)
    client = MlflowClient(f"sqlite:///{smoke_here}/outputs/mlflow.db")
    for stage in STAGES:
        experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
        assert len(client.search_runs([experiment.experiment_id])) == 1


def test_when_every_stage_is_there_neither_tensorflow_nor_mlflow_is_imported(smoke_here: Path) -> None:
    process = execute(smoke_here, "-X", "importtime", "-m", "pipeline", *SMOKE, fresh=True)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert output.count("(reused)") == len(STAGES)
    imported = {line.rpartition("|")[2].strip() for line in errors.splitlines() if "import time:" in line}
    assert "pipeline.engine.execution" in imported
    assert not imported & {"tensorflow", "keras", "matplotlib", "mlflow", "sklearn", "pandas"}


def test_a_password_is_in_no_file_that_is_recorded(trained_here: Path) -> None:
    uri = "postgresql://dreamer:very-secret@127.0.0.1:1/dreams"
    process = pipeline(trained_here, *SMOKE, "stages=[train,oip]", "oip.xla=false", f"tracking.uri='{uri}'")
    assert process.returncode == 0
    assert "not recorded in MLflow" in process.stderr
    assert "very-secret" not in process.stderr + process.stdout
    run = runs(trained_here)[-1]
    for file in (*(run / "train").rglob("*"), *(run / "oip").rglob("*"), *(trained_here / "outputs/store").rglob("*")):
        assert not file.is_file() or b"very-secret" not in file.read_bytes(), file
    for stage in ("train", "oip"):
        assert "dreamer" in (run / stage / "unrecorded.json").read_text()


def test_a_change_of_an_oip_setting_does_not_train_again(trained_here: Path) -> None:
    words = ("stages=[train,oip]", "oip.xla=false", "noise=long", "tracking=none")
    output = succeeded(pipeline(trained_here, *SMOKE, *words))
    train, oip = output.splitlines()[:2]
    assert train.startswith("train")
    assert train.endswith("(reused)")
    assert oip.startswith("oip")
    assert "(reused)" not in oip


def test_a_stage_brings_what_it_stands_on_along(tmp_path: Path) -> None:
    output = succeeded(pipeline(tmp_path, *SMOKE, "stages=[dream]", "tracking=none"))
    assert [line.split()[0] for line in output.splitlines()] == ["dream"]
    assert len(list((tmp_path / "outputs" / "store" / "train").iterdir())) == 1
    assert not (tmp_path / "outputs" / "store" / "oip").exists()
    assert not (tmp_path / "outputs" / "mlflow.db").exists()


def test_what_was_computed_without_a_record_is_recorded_once_when_there_is_one(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    overrides = (*SMOKE, "stages=[train,oip]", "oip.xla=false")
    succeeded(pipeline(tmp_path, *overrides, "tracking=none"))
    for _ in range(2):
        assert succeeded(pipeline(tmp_path, *overrides)).count("(reused)") == 2
    client = MlflowClient(f"sqlite:///{tmp_path}/outputs/mlflow.db")
    found = {}
    for stage in ("train", "oip"):
        experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
        (found[stage],) = client.search_runs([experiment.experiment_id])
    assert found["oip"].data.tags["upstream.train"] == found["train"].info.run_id
    assert found["train"].outputs.model_outputs


@pytest.mark.parametrize("file", ["model.keras", "stage.json"])
def test_a_broken_result_in_the_store_is_refused_in_one_line(trained: Path, tmp_path: Path, file: str) -> None:
    shutil.copytree(trained / "outputs" / "store" / "train", tmp_path / "outputs" / "store" / "train")
    (broken,) = (tmp_path / "outputs" / "store" / "train").glob(f"*/{file}")
    broken.write_bytes(broken.read_bytes()[:300])
    process = pipeline(tmp_path, *SMOKE, "stages=[oip]", "tracking=none")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("mnist-dream: reuse: takes false, or whole results")
    assert str(broken.parent.name) in line


def test_the_same_command_gives_the_same_bits(smoke: Path, tmp_path: Path) -> None:
    """In a new interpreter, too."""
    succeeded(pipeline(tmp_path, *SMOKE, "reuse=false", "tracking=none", fresh=True))
    assert not (tmp_path / "outputs" / "store").exists()
    (again,) = runs(tmp_path)
    first = runs(smoke)[0]
    assert digests(again) == digests(first)
    ours, theirs = arrays(first), arrays(again)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def test_a_run_can_be_repeated_from_its_own_folder(smoke_here: Path) -> None:
    """All that decides a result is the same, so that every result is one that is there."""
    (first,) = runs(smoke_here)
    overrides = ("tracking.backend=none", "hydra.run.dir=outputs/again")
    command = ("--config-path", str(first / ".hydra"), "--config-name", "config", *overrides)
    assert succeeded(pipeline(smoke_here, *command)).count("(reused)") == len(STAGES)
    assert digests(smoke_here / "outputs" / "again") == digests(first)


def test_a_sweep_has_a_folder_for_every_job(trained_here: Path) -> None:
    swept = ("noise.wavelengths=[3,7],[14,28]", "noise.seed=0,1")
    succeeded(pipeline(trained_here, "-m", *SMOKE, "stages=[oip]", "oip.xla=false", *swept))
    jobs = sorted((trained_here / "outputs" / "multirun").glob("*/*/*/oip"))
    assert [job.parent.name for job in jobs] == ["0", "1", "2", "3"]
    images = [arrays(job)["oip.npz/images"] for job in jobs]
    for i, one in enumerate(images):
        for other in images[i + 1 :]:
            assert not np.array_equal(one, other)


def test_a_training_starts_from_the_weights_of_an_earlier_one(trained: Path, tmp_path: Path) -> None:
    weights = runs(trained)[0] / "train" / "initial_weights.npz"
    overrides = ("stages=[train]", "tracking=none", "seed=5", "train.epochs=1", f"train.initial_weights={weights}")
    succeeded(pipeline(tmp_path, *SMOKE, *overrides))
    (run,) = runs(tmp_path)
    ours = arrays(run / "train")
    for name, array in arrays(weights.parent).items():
        if name.startswith("initial_weights"):
            assert np.array_equal(ours[name], array)


def test_weights_of_another_cnn_are_refused_before_anything_is_written(trained: Path, tmp_path: Path) -> None:
    weights = runs(trained)[0] / "train" / "initial_weights.npz"
    smaller = "model.convolutions.Conv2D_1.filters=8"
    process = pipeline(tmp_path, *SMOKE, smaller, f"train.initial_weights={weights}", "tracking=none")
    assert process.returncode == 2
    assert process.stderr.startswith("mnist-dream: train.initial_weights: takes weights of this CNN")
    assert len(process.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []

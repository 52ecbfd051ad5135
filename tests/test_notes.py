"""The notes and tables of runs, read back with MLflow's own client from a pipeline that was really run."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import SMOKE, pipeline, succeeded
from recording import client_of, new_record
from templates import copy_of

from pipeline.commands import rerun
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.process import TrackingConfig
from pipeline.stages.registry import STAGES
from pipeline.tracking import open_tracker
from pipeline.tracking.backend import Deadline, connect, default_uri, options_of
from pipeline.tracking.notes import NOTE_TAG, note

MOST_METRICS = 12


@pytest.fixture(scope="module")
def folder(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All stages of SMOKE, and a sheet of dreams."""
    folder = copy_of(smoke, tmp_path_factory.mktemp("notes"))
    sheet = ("stages=[dream_sheet]", "dream.map_indices=[3,7]", "dream.compare.by=maps")
    succeeded(pipeline(folder, *SMOKE, *sheet))
    return folder


def run_of(folder: Path, stage: str) -> Any:
    client = client_of(folder)
    (run,) = client.search_runs([client.get_experiment_by_name(f"mnist-dream/{stage}").experiment_id])
    return run


def stage_folder(folder: Path, stage: str) -> Path:
    (found,) = (folder / "outputs" / "runs").glob(f"*/*/{stage}")
    return found


@pytest.mark.parametrize("stage", ["train", "activations", "statistics", "oip", "dream", "atlas", "dream_sheet"])
def test_a_note_tells_of_what_is_there_and_how_to_repeat_it(folder: Path, stage: str) -> None:
    run = run_of(folder, stage)
    text = run.data.tags["mlflow.note.content"]
    lines = text.splitlines()
    assert lines[0] == f"`{run.info.run_name}`"
    first, meanings = STAGES[stage].shows.first, STAGES[stage].shows.files
    assert f"![{first}](get-artifact?path=results/{first}&run_uuid={run.info.run_id})" in lines
    assert f"    python -m pipeline.rerun {run.info.run_id}" in lines
    place = stage_folder(folder, stage)
    for file, meaning in meanings.items():
        there = any((place / name).exists() for name in file.split(", ")) or file == "LAYER/"
        assert (f"- `results/{file}`: {meaning}" in lines) == there
    assert (place / first).is_file()
    stands_on = f"Stands on the train run [{run_of(folder, 'train').info.run_id}]"
    assert (stands_on in text) == (stage != "train")


def test_the_note_of_an_atlas_leads_to_its_page(folder: Path) -> None:
    run = run_of(folder, "atlas")
    text = run.data.tags["mlflow.note.content"]
    assert f"(get-artifact?path=results/atlas.html&run_uuid={run.info.run_id})" in text
    place = client_of(folder).download_artifacts(run.info.run_id, "results/atlas.html")
    assert Path(place).read_bytes() == (stage_folder(folder, "atlas") / "atlas.html").read_bytes()
    assert "keep a copy" not in run_of(folder, "oip").data.tags["mlflow.note.content"]


def test_lists_of_lists_are_told_as_such(folder: Path) -> None:
    assert run_of(folder, "atlas").data.params["atlas.wavelengths"] == "[3,7]"
    assert run_of(folder, "oip").data.params["noise.wavelengths"] == "3,7,14,28"


@pytest.mark.parametrize("stage", ["statistics", "oip", "atlas"])
def test_what_a_stage_looked_at_is_an_input_of_its_run(folder: Path, stage: str) -> None:
    (found,) = run_of(folder, stage).inputs.dataset_inputs
    assert found.dataset.name == "digits"
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "testing")]
    # data.limit
    assert json.loads(found.dataset.profile)["features_shape"][0] == 60
    (training,) = run_of(folder, "train").inputs.dataset_inputs
    assert training.tags[0].value == "training"
    assert training.dataset.digest == found.dataset.digest


@pytest.mark.parametrize("stage", ["train", "activations", "statistics", "oip", "dream", "atlas", "dream_sheet"])
def test_a_stage_has_a_dozen_names_of_metrics_at_most(folder: Path, stage: str) -> None:
    # the evidence on OIPs is seven more
    most = MOST_METRICS + 7 * (stage == "oip")
    assert 1 <= len(run_of(folder, stage).data.metrics) <= most


def test_the_tables_of_the_oips_have_a_row_for_each_map(folder: Path, tmp_path: Path) -> None:
    client, run = client_of(folder), run_of(folder, "oip")
    paths = [entry["path"] for entry in json.loads(run.data.tags["mlflow.loggedArtifacts"])]
    assert paths == ["tables/pictures.json", "tables/maps.json"]
    tables = [json.loads(Path(client.download_artifacts(run.info.run_id, p, str(tmp_path))).read_text()) for p in paths]
    place = stage_folder(folder, "oip")
    with np.load(place / "oip.npz") as result:
        maps, activation, largest = result["map_indices"], result["activation"], result["data_maximum"]
        classes, taken_for = result["top_class"], result["taken_for"]
    assert tables[0]["columns"] == ["map", "picture"]
    heading = ["map", "picture", "start", "verdict", "score", "score / largest of a real image"]
    assert tables[1]["columns"] == [*heading, "path index", "class of its images", "taken for"]
    assert [row[0] for row in tables[1]["data"]] == [f"map {index:03d}" for index in maps]
    for row, (name, picture, start, verdict, score, relative, index, own, taken) in enumerate(tables[1]["data"]):
        assert tables[0]["data"][row] == [name, picture]
        assert picture["type"] == "image"
        local = Path(client.download_artifacts(run.info.run_id, picture["filepath"], str(tmp_path)))
        assert local.read_bytes() == (place / "maps" / f"map_{maps[row]:03d}.png").read_bytes()
        assert Path(client.download_artifacts(run.info.run_id, picture["compressed_filepath"], str(tmp_path))).is_file()
        assert start == "wavelengths 3, 7, 14, 28"
        assert verdict
        assert (own, taken) == (str(classes[row]), str(taken_for[row]))
        assert isinstance(index, float)
        assert score == pytest.approx(float(activation[row]), abs=1e-4)
        if largest[row] > 0:
            assert relative == pytest.approx(float(activation[row] / largest[row]), abs=1e-3)
        else:
            assert relative is None


def test_the_model_is_loaded_as_the_page_says(folder: Path) -> None:
    """The snippet on the page of a model is that of the flavour `pyfunc`."""
    import mlflow

    from pipeline.engine.storage import load_model

    (output,) = run_of(folder, "train").outputs.model_outputs
    images = np.random.default_rng(0).normal(size=(3, 28, 28, 1)).astype(np.float32)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/outputs/mlflow.db")
    try:
        loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    finally:
        mlflow.set_tracking_uri(None)
    assert loaded.metadata.signature is not None
    expected = load_model(stage_folder(folder, "train")).predict(images, verbose=0)
    np.testing.assert_allclose(loaded.predict(images), expected, atol=1e-6)


@pytest.mark.parametrize("uri", [None, "sqlite:///{}/else where.db"])
def test_the_command_of_a_note_finds_the_record_wherever_that_is(tmp_path: Path, uri: str | None) -> None:
    place = tmp_path / "my outputs"
    place.mkdir()
    uri = None if uri is None else uri.format(tmp_path)
    config = TrackingConfig(backend=TrackingBackend.mlflow, uri=uri, experiment="mnist-dream")
    tracker = open_tracker(config, place, pipeline_id="id")
    (tmp_path / "results").mkdir()
    with tracker.stage_run("oip", "key", name="n", upstream={}) as run:
        run.log_record(new_record("oip"), tmp_path / "results")
    tracker.wait()
    text = connect(uri or default_uri(place), place, Deadline(None)).client.get_run(run.run_id).data.tags[NOTE_TAG]
    (command,) = (line for line in text.splitlines() if "pipeline.rerun" in line)
    words = shlex.split(command)[3:]
    options = rerun.main.parser().parse_intermixed_args(words)
    assert (options.run, options.output_dir, options.uri) == (run.run_id, place, uri)


@pytest.mark.parametrize(
    ("uri", "folder", "options"),
    [
        (default_uri(Path("outputs")), "outputs", ""),
        (default_uri(Path("a b")), "a b", " --output-dir 'a b'"),
        ("http://host:5000", "outputs", " --uri http://host:5000"),
        ("postgresql://me:secret@host/name", "x", " --output-dir x --uri URI"),
    ],
)
def test_the_options_of_a_command_keep_no_password(uri: str, folder: str, options: str) -> None:
    assert options_of(uri, Path(folder)) == options


def test_what_comes_from_the_user_is_no_markdown() -> None:
    name = "oip `x` [a](javascript:alert(1)) <script>alert(2)</script>"
    first = note("oip", "id", name, {"rerun_of": "`<b>`"}, frozenset()).splitlines()
    assert first[0] == "`oip  x  [a](javascript:alert(1)) <script>alert(2)</script>`"
    assert first[-1] == "Computed again from the record ` <b> `."
    assert "contact_sheet" not in "\n".join(first)

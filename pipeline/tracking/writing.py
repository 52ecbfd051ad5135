"""The calls by which a run of MLflow is told.

What is told again stays as it was: that is how an unfinished run is completed.
"""

import importlib.metadata
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.engine.places import MARK
from pipeline.engine.record import StageRecord
from pipeline.tracking.backend import Connection
from pipeline.tracking.charts import shows_of
from pipeline.tracking.datasets import as_input
from pipeline.tracking.names import mlflow_name
from pipeline.tracking.notes import NOTE_TAG, note
from pipeline.tracking.pictures import PICTURES_TAG, lay_out_pictures
from pipeline.tracking.tables import lay_out_tables, table_tag

if TYPE_CHECKING:
    import keras

# what MLflow takes: https://mlflow.org/docs/latest/rest-api.html#request-limits
PER_CALL = {"metrics": 1000, "params": 100, "tags": 100}
LONGEST_PARAM = 6000
LONGEST_TAG = 8000

MODEL_FILE = "model.keras"
REQUIREMENTS = ("mlflow", "tensorflow", "keras", "numpy")


class RunWriter:
    """A run that is there. Every method raises what MLflow raises."""

    def __init__(self, connection: Connection, run: Any, *, begun_before: bool = False) -> None:
        """Write to a run that is there.

        Args:
            begun_before: it may know some of what it is told already.
        """
        self.run_id: str = run.info.run_id
        self._experiment_id: str = run.info.experiment_id
        self._client = connection.client
        self._connection = connection
        self._files = connection.repository(run.info.artifact_uri)
        self._model_id: str | None = None
        self._tags: dict[str, str] = dict(run.data.tags)
        # (name, step) -> the newest value
        self._logged: dict[tuple[str, int], str] = {}
        # names whose steps are not in `_logged` yet
        self._unread: set[str] = set(run.data.metrics) if begun_before else set()
        self._models = [model.model_id for model in run.outputs.model_outputs] if begun_before and run.outputs else []
        self._begun_before = begun_before

    def params(self, params: Mapping[str, str]) -> None:
        """Record settings, which MLflow never changes again; long values are cut."""
        from mlflow.entities import Param

        values = {mlflow_name(name): str(value)[:LONGEST_PARAM] for name, value in params.items()}
        self._batches(params=[Param(name, value) for name, value in values.items()])

    def tags(self, tags: Mapping[str, str]) -> None:
        """Record what to filter by; it may be changed later."""
        from mlflow.entities import RunTag

        self._tags |= tags
        self._batches(tags=[RunTag(name, value) for name, value in mlflow_tags(tags).items()])

    def series(self, series: Mapping[str, Mapping[int, float]], *, time_ms: int | None = None) -> None:
        """Record figures by step; what has this value already is not repeated.

        Args:
            series: name -> step -> figure.
            time_ms: when they were known, None for now.
        """
        from mlflow.entities import Metric

        now = int(time.time() * 1000) if time_ms is None else time_ms
        fresh = {
            (mlflow_name(name), int(step)): float(value)
            for name, values in series.items()
            for step, value in values.items()
        }
        for name in {name for name, _ in fresh} & self._unread:
            points = sorted(self._client.get_metric_history(self.run_id, name), key=lambda point: point.timestamp)
            self._logged |= {(name, point.step): _kept(point.value) for point in points}
            self._unread.remove(name)
        fresh = {point: value for point, value in fresh.items() if self._logged.get(point) != _kept(value)}
        self._batches(
            metrics=[Metric(name, value, now, step, model_id=self._model_id) for (name, step), value in fresh.items()]
        )
        self._logged |= {point: _kept(value) for point, value in fresh.items()}

    def record(self, record: StageRecord, folder: Path, *, time_ms: int) -> None:
        """Record all of `record` as of `time_ms`, and the files of `folder` as artifacts under results/."""
        self.params(record.params)
        figures = {name: {0: value} for name, value in record.metrics.items()}
        self.series(figures | record.series, time_ms=time_ms)
        with tempfile.TemporaryDirectory() as scratch:
            pictures, tables = Path(scratch, "images"), Path(scratch, "tables")
            stems = lay_out_pictures(record.images, folder, pictures, run_id=self.run_id, made=time_ms)
            lay_out_tables(record.tables, tables, {path: f"images/{stem}" for path, stem in stems.items()})
            for found in (pictures, tables):
                if any(found.iterdir()):
                    self.folder(found, found.name)
        self.folder(folder, "results", without=[MARK] + ([] if self._model_id is None else [MODEL_FILE]))
        self.tags(
            record.tags
            | ({PICTURES_TAG: "True"} if record.images else {})
            | table_tag(*(f"tables/{name}.json" for name in record.tables))
        )
        files = frozenset(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
        shows = shows_of(record.stage)
        wrong = None if shows is None else shows.warning(record)
        options = self._connection.options
        self.tags({NOTE_TAG: note(record.stage, self.run_id, record.name, self._tags, files, wrong, options)})

    def folder(self, folder: Path, path: str, *, without: Sequence[str] = ()) -> None:
        """Record the files of a folder, but for those of the names `without`, as artifacts under `path`."""
        _upload(self._files, folder, path, without)

    def dataset(self, description: Mapping[str, str]) -> None:
        """Record the data set that `datasets.described` describes."""
        self._client.log_inputs(self.run_id, [as_input(description)])

    def model(self, model: "keras.Model", example: np.ndarray) -> None:
        """Record the model; figures that follow stand beside it.

        Args:
            example: a few of its inputs.
        """
        if self._models:
            self._model_id = self._models[0]
            return
        import mlflow

        # The steps of mlflow.tensorflow.log_model, which knows its server and experiment by global state only.
        logged = self._unfinished_model() or self._client.create_logged_model(self._experiment_id, "model", self.run_id)
        with tempfile.TemporaryDirectory() as scratch:
            mlflow.tensorflow.save_model(
                model,
                f"{scratch}/model",
                mlflow_model=mlflow.models.Model(
                    artifact_path=logged.artifact_location,
                    model_uuid=logged.model_id,
                    run_id=self.run_id,
                    model_id=logged.model_id,
                ),
                signature=mlflow.models.infer_signature(example, np.asarray(model(example))),
                # left to itself MLflow finds them by loading the model in another process
                pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
            )
            _upload(self._connection.repository(logged.artifact_location), Path(scratch, "model"), "")
        self._client.finalize_logged_model(logged.model_id, "READY")
        self._client.log_outputs(self.run_id, [mlflow.entities.LoggedModelOutput(logged.model_id, step=0)])
        self._model_id = logged.model_id

    def end(self, status: str, *, failure: str | None = None, time_ms: int | None = None) -> None:
        """Close the run.

        Args:
            failure: why it failed, None if it did not.
            time_ms: when it ended, None for now.
        """
        if failure is not None:
            self._client.set_tag(self.run_id, "failure", failure)
        self._client.set_terminated(self.run_id, status, end_time=time_ms)

    def _unfinished_model(self) -> Any:
        """Return a model that was begun for this run, whose files may be missing; None if there is none."""
        if not self._begun_before:
            return None
        query = f"source_run_id = '{self.run_id}'"
        found = self._client.search_logged_models([self._experiment_id], query)
        return found[0] if found else None

    def _batches(self, **entities: Sequence[Any]) -> None:
        for kind, items in entities.items():
            for first in range(0, len(items), PER_CALL[kind]):
                self._client.log_batch(self.run_id, **{kind: items[first : first + PER_CALL[kind]]}, synchronous=True)


def mlflow_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as MLflow takes them."""
    return {mlflow_name(name): str(value)[:LONGEST_TAG] for name, value in tags.items()}


def _kept(value: float) -> str:
    """Return a figure as MLflow keeps it, infinity being the largest number; as text, as nothing equals nan."""
    largest = sys.float_info.max
    return repr(value if value != value else max(-largest, min(largest, value)))


def _upload(repository: Any, folder: Path, path: str, without: Sequence[str] = ()) -> None:
    # files to files are copied all in one call: one by one takes ten times as long
    at_once = repository.deadline.seconds is None
    if at_once and not without:
        repository.log_artifacts(str(folder), path or None)
        return
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    files = [name for name in files if str(name) not in without]
    if files and at_once:
        with tempfile.TemporaryDirectory() as scratch:
            for parent in {name.parent for name in files}:
                Path(scratch, parent).mkdir(parents=True, exist_ok=True)
            source = folder.resolve()
            for name in files:
                Path(scratch, name).symlink_to(source / name)
            repository.log_artifacts(scratch, path or None)
        return
    # file by file, so that the time of each is measured
    for name in files:
        place = Path(path, name).parent.as_posix()
        repository.log_artifact(str(folder / name), None if place == "." else place)

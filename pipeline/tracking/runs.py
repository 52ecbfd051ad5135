"""One MLflow run for each execution of a stage."""

import getpass
import importlib.metadata
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pipeline.processes import this_process
from pipeline.record import StageRecord
from pipeline.results import Dataset
from pipeline.tracking.backend import Connection
from pipeline.tracking.pictures import PICTURES_TAG, lay_out_pictures
from pipeline.tracking.views import set_view
from pipeline.tracking.wording import LONGEST_NAME, mlflow_name, one_line

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__package__)
T = TypeVar("T")

# what MLflow takes: https://mlflow.org/docs/latest/rest-api.html#request-limits
PER_CALL = {"metrics": 1000, "params": 100, "tags": 100}
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
LONGEST_DIGEST = 36

MODEL_FILE = "model.keras"
REQUIREMENTS = ("mlflow", "tensorflow", "keras", "numpy")


class Tracker:
    """Tells MLflow of the stages of one pipeline run, until that fails for the first time.

    address: where the record is to be seen, None if there is none.
    """

    def __init__(self, connection: Connection | None, *, experiment: str, pipeline_id: str) -> None:
        self.address = connection.address if connection else None
        self._connection = connection
        self._experiment = experiment
        self._pipeline_id = pipeline_id

    @contextmanager
    def stage_run(
        self,
        stage: str,
        key: str,
        *,
        name: str,
        upstream: Mapping[str, str | None],
        tags: Mapping[str, str] | None = None,
    ) -> Iterator["StageRun"]:
        """The run of a stage, RUNNING until the block is left; then FINISHED, FAILED, or KILLED if it was stopped.

        Args:
            key: says what the result depends on; `find_run` finds the run by it.
            upstream: stage -> id of the run whose result this one stands on, None if it was not recorded.
        """
        known = {f"upstream.{other}": run_id for other, run_id in upstream.items() if run_id is not None}
        all_tags = {
            **(tags or {}),
            **known,
            "stage_key": key,
            **self._common_tags(stage),
        }
        run = StageRun(self._attempt)
        self._attempt(lambda client: run._start(client, self._experiment_id(client, stage), name, all_tags))
        try:
            yield run
        except BaseException as error:
            run._end("FAILED" if isinstance(error, Exception) else "KILLED", failure=one_line(error))
            raise
        run._end("FINISHED")

    def begin(self, stage: str, *, name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> str | None:
        """Begin a run that another process may end; returns its id, None if it is not recorded."""
        run = StageRun(self._attempt)
        everything = {**tags, **self._common_tags(stage)}
        self._attempt(lambda client: run._start(client, self._experiment_id(client, stage), name, everything))
        if run.run_id is not None:
            run.log_params(params)
        return run.run_id

    def reopen(self, run_id: str) -> bool:
        """Let a run that was begun go on as one of this process; False if it is not there or nothing is recorded."""

        def again(client: Any) -> bool:
            from mlflow.exceptions import MlflowException

            try:
                client.update_run(run_id, status="RUNNING")
            except MlflowException:
                return False
            for name, value in _mlflow_tags(self._process_tags()).items():
                client.set_tag(run_id, name, value)
            return True

        return bool(self._attempt(again))

    def resumed(self, run_id: str) -> "StageRun":
        """A run that was begun before."""
        run = StageRun(self._attempt)
        run.run_id = run_id
        return run

    def find_run(self, stage: str, key: str) -> str | None:
        """The id of the newest run that finished `stage` with this key, None if there is none."""
        return self._attempt(lambda client: self._find_run(client, stage, key))

    def _common_tags(self, stage: str) -> dict[str, str]:
        return {"stage": stage, "pipeline_id": self._pipeline_id, "mlflow.user": _user(), **self._process_tags()}

    def _process_tags(self) -> dict[str, str]:
        """A run that was killed stays RUNNING: these tell whether its process is still there."""
        process = this_process()
        return {"host": process.host, "pid": str(process.pid), "process_started": repr(process.started)}

    def _find_run(self, client: Any, stage: str, key: str) -> str | None:
        experiment = client.get_experiment_by_name(self._experiment_name(stage))
        if experiment is None:
            return None
        query = f"tags.stage_key = '{key}' and attributes.status = 'FINISHED'"
        runs = client.search_runs([experiment.experiment_id], query, max_results=1)
        return runs[0].info.run_id if runs else None

    def _experiment_name(self, stage: str) -> str:
        return f"{self._experiment}/{stage}"

    def _experiment_id(self, client: Any, stage: str) -> str:
        """The experiment of a stage, with its view; made if it is not there."""
        experiment = client.get_experiment_by_name(self._experiment_name(stage)) or self._new_experiment(client, stage)
        set_view(client, experiment, stage)
        return experiment.experiment_id

    def _new_experiment(self, client: Any, stage: str) -> Any:
        from mlflow.exceptions import MlflowException

        assert self._connection is not None
        name, artifacts = self._experiment_name(stage), self._connection.artifacts
        try:
            experiment_id = client.create_experiment(name, (artifacts / stage).as_uri() if artifacts else None)
        except MlflowException:
            # another process was faster
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
            return experiment
        return client.get_experiment(experiment_id)

    def _attempt(self, action: Callable[[Any], T]) -> T | None:
        if self._connection is None:
            return None
        try:
            return action(self._connection.client)
        except Exception as error:
            self._connection = None
            logger.warning("no longer recorded in MLflow, results on disk are complete: %s", one_line(error))
            logger.debug("the failure of MLflow", exc_info=True)
            return None


class StageRun:
    """A stage that is being executed, as MLflow sees it. run_id: None if it is not recorded.

    Order: `log_model` before `log_record`, so that the record's figures stand beside the model and its file is kept
    once.
    """

    def __init__(self, attempt: Callable[[Callable[[Any], None]], None]) -> None:
        self.run_id: str | None = None
        self._experiment_id: str | None = None
        self._model_id: str | None = None
        self._attempt = attempt
        self._logged: set[tuple[str, int]] = set()

    def log_params(self, params: Mapping[str, str]) -> None:
        """Settings, which MLflow never changes again; long values are cut."""
        self._attempt(lambda client: self._log_params(client, params))

    def log_epoch(self, step: int, values: Mapping[str, float]) -> None:
        """The newest figures, seen in MLflow at once; `log_record` does not repeat them."""
        self._attempt(lambda client: self._log_series(client, {name: {step: value} for name, value in values.items()}))

    def log_record(self, record: StageRecord, folder: Path) -> None:
        """All of a record, and the files of the stage's `folder` as artifacts under results/.

        A name that is both a metric and a series is logged as a series, whose last value MLflow shows as the figure.
        """
        self._attempt(lambda client: self._log_record(client, record, folder))

    def log_model(self, model: "keras.Model", example: np.ndarray) -> None:
        """The model, for `mlflow.tensorflow.load_model("models:/...")`; `example`: a few of its inputs."""
        self._attempt(lambda client: self._log_model(client, model, example))

    def log_dataset(self, dataset: Dataset) -> None:
        """Name, digest and shapes of the training data; the arrays stay where they are."""
        self._attempt(lambda client: self._log_dataset(client, dataset))

    def log_text(self, text: str, path: str) -> None:
        """A text as the artifact `path`."""
        self._attempt(lambda client: client.log_text(self.run_id, text, path))

    def end(self, status: str) -> None:
        """The run is over: FINISHED, FAILED or KILLED."""
        self._end(status)

    def _start(self, client: Any, experiment_id: str, name: str, tags: Mapping[str, str]) -> None:
        run = client.create_run(experiment_id, tags=_mlflow_tags(tags), run_name=name[:LONGEST_NAME])
        self.run_id, self._experiment_id = run.info.run_id, experiment_id

    def _end(self, status: str, *, failure: str | None = None) -> None:
        def end(client: Any) -> None:
            if failure is not None:
                client.set_tag(self.run_id, "failure", failure)
            client.set_terminated(self.run_id, status)

        self._attempt(end)

    def _log_params(self, client: Any, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        values = {mlflow_name(name): str(value)[:LONGEST_PARAM] for name, value in params.items()}
        self._log_batches(client, params=[Param(name, value) for name, value in values.items()])

    def _log_tags(self, client: Any, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self._log_batches(client, tags=[RunTag(name, value) for name, value in _mlflow_tags(tags).items()])

    def _log_series(self, client: Any, series: Mapping[str, Mapping[int, float]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        fresh = {
            (mlflow_name(name), int(step)): float(value)
            for name, values in series.items()
            for step, value in values.items()
        }
        for point in self._logged:
            fresh.pop(point, None)
        metrics = [Metric(name, value, now, step, model_id=self._model_id) for (name, step), value in fresh.items()]
        self._log_batches(client, metrics=metrics)
        self._logged |= fresh.keys()

    def _log_batches(self, client: Any, **entities: Sequence[Any]) -> None:
        for kind, items in entities.items():
            for first in range(0, len(items), PER_CALL[kind]):
                client.log_batch(self.run_id, **{kind: items[first : first + PER_CALL[kind]]}, synchronous=True)

    def _log_record(self, client: Any, record: StageRecord, folder: Path) -> None:
        self._log_params(client, record.params)
        self._log_series(client, {name: {0: value} for name, value in record.metrics.items()} | record.series)
        with tempfile.TemporaryDirectory() as scratch:
            if record.images:
                lay_out_pictures(record.images, folder, Path(scratch, "images"))
            for file in (path for path in folder.rglob("*") if path.is_file()):
                name = file.relative_to(folder)
                if self._model_id is None or str(name) != MODEL_FILE:
                    link = Path(scratch, "results", name)
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(file.resolve())
            client.log_artifacts(self.run_id, scratch)
        self._log_tags(client, record.tags | ({PICTURES_TAG: "True"} if record.images else {}))

    def _log_model(self, client: Any, model: "keras.Model", example: np.ndarray) -> None:
        import mlflow

        # The steps of mlflow.tensorflow.log_model, which knows its server and experiment by global state only.
        logged = client.create_logged_model(self._experiment_id, "model", self.run_id)
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
            client.log_model_artifacts(logged.model_id, f"{scratch}/model")
        client.finalize_logged_model(logged.model_id, "READY")
        client.log_outputs(self.run_id, [mlflow.entities.LoggedModelOutput(logged.model_id, step=0)])
        self._model_id = logged.model_id

    def _log_dataset(self, client: Any, dataset: Dataset) -> None:
        import mlflow
        from mlflow.data.code_dataset_source import CodeDatasetSource

        described = mlflow.data.from_numpy(
            dataset.train_images,
            source=CodeDatasetSource(tags={}),
            targets=dataset.train_labels,
            name=dataset.name,
            # MLflow's own digest looks at a sample only
            digest=dataset.digest[:LONGEST_DIGEST],
        )
        entities = mlflow.entities
        used = entities.DatasetInput(
            entities.Dataset(**described.to_dict()), [entities.InputTag("mlflow.data.context", "training")]
        )
        client.log_inputs(self.run_id, [used])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # in a container the number may have no name
        return str(os.getuid())


def _mlflow_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {mlflow_name(name): str(value)[:LONGEST_TAG] for name, value in tags.items()}

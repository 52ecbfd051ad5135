"""The record of the stages in MLflow. The only package that knows MLflow; what it writes comes from `StageRecord`s.

The results on disk are complete without it. So whatever fails here is told in one warning and ends the record, never
the pipeline; what is missing then is marked on disk, and `pipeline.sync` brings it in.
"""

from pathlib import Path

from pipeline.settings.choices import TrackingBackend
from pipeline.settings.process import TrackingConfig
from pipeline.tracking import backend
from pipeline.tracking.runs import StageRun
from pipeline.tracking.tracker import Destination, Tracker

__all__ = ["StageRun", "Tracker", "open_tracker"]


def open_tracker(config: TrackingConfig, output_dir: Path, *, pipeline_id: str) -> Tracker:
    """Return the tracker of one pipeline run; one that does nothing if that is wanted.

    It connects when there is something to tell.

    Args:
        output_dir: where the record is if the settings name no URI.
        pipeline_id: of this pipeline run, a tag of all its runs.
    Raises:
        InputError: a URI that MLflow is not asked to take.
    """
    if config.backend is not TrackingBackend.mlflow:
        return Tracker(None, experiment=config.experiment, pipeline_id=pipeline_id)
    uri = backend.default_uri(output_dir) if config.uri is None else config.uri
    backend.check_uri(uri)
    return Tracker(
        Destination(uri=uri, is_default=config.uri is None, output_dir=output_dir),
        experiment=config.experiment,
        pipeline_id=pipeline_id,
    )

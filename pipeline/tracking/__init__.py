"""The record of the stages in MLflow. The only package that knows MLflow; what it writes comes from `StageRecord`s.

The results on disk are complete without it. So whatever fails here is told in one warning and ends the record, never
the pipeline.
"""

import logging
from pathlib import Path

from pipeline.config import TrackingBackend, TrackingConfig
from pipeline.tracking import backend
from pipeline.tracking.runs import StageRun, Tracker
from pipeline.tracking.wording import one_line, without_passwords

__all__ = ["StageRun", "Tracker", "open_tracker"]

logger = logging.getLogger(__name__)


def open_tracker(config: TrackingConfig, output_dir: Path, *, pipeline_id: str) -> Tracker:
    """The tracker of one pipeline run; one that does nothing if that is wanted, or if the backend does not answer.

    Raises:
        InputError: a URI that MLflow is not asked to take.
    """
    connection = None
    if config.backend is TrackingBackend.mlflow:
        uri = backend.default_uri(output_dir) if config.uri is None else config.uri
        backend.check_uri(uri)
        try:
            connection = backend.connect(uri, output_dir)
        except Exception as error:
            problem = f"{without_passwords(uri)}: {one_line(error)}"
            logger.warning("not recorded in MLflow, results on disk are complete: %s", problem)
    return Tracker(connection, experiment=config.experiment, pipeline_id=pipeline_id)

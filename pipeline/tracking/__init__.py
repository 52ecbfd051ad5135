"""The record of the stages in MLflow. The only package that knows MLflow; what it writes comes from `StageRecord`s.

The results on disk are complete without it. So whatever fails here is told in one warning and ends the record, never
the pipeline; what is missing then is marked on disk, and `pipeline.sync` brings it in.
"""

import logging
from pathlib import Path

from pipeline.config import TrackingBackend, TrackingConfig
from pipeline.errors import one_line, without_passwords
from pipeline.stopping import stopped_is_stopped
from pipeline.tracking import backend
from pipeline.tracking.patience import Patience
from pipeline.tracking.runs import StageRun
from pipeline.tracking.stale import close_stale_runs
from pipeline.tracking.tracker import Destination, Origin, Tracker

__all__ = ["Origin", "StageRun", "Tracker", "open_tracker"]

logger = logging.getLogger(__name__)


def open_tracker(config: TrackingConfig, output_dir: Path, *, pipeline_id: str) -> Tracker:
    """The tracker of one pipeline run; one that does nothing if that is wanted, or if the backend does not answer.

    Raises:
        InputError: a URI that MLflow is not asked to take.
    """
    if config.backend is not TrackingBackend.mlflow:
        return Tracker(None, experiment=config.experiment, pipeline_id=pipeline_id)
    uri = backend.default_uri(output_dir) if config.uri is None else config.uri
    backend.check_uri(uri)
    connection = failure = None
    try:
        with stopped_is_stopped():
            connection = backend.connect(uri, output_dir, Patience(backend.PATIENCE_S))
    except Exception as error:
        failure = f"{without_passwords(uri)}: {one_line(error)}"
    tracker = Tracker(
        connection,
        experiment=config.experiment,
        pipeline_id=pipeline_id,
        destination=Destination(uri=config.uri, output_dir=output_dir),
    )
    if connection is None:
        tracker.lose("not recorded in MLflow", failure or "")
    else:
        try:
            close_stale_runs(connection, config.experiment)
        except Exception:
            # the record itself goes on, or ends for a reason of its own
            logger.debug("stale runs are not looked for", exc_info=True)
    return tracker

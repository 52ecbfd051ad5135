"""A look into MLflow's SQLite file without MLflow, whose import takes longer than a pipeline that only reuses results.

Its tables are not promised to stay as they are: whatever is not found here has to be asked of MLflow.
"""

import contextlib
import sqlite3
from pathlib import Path

# as `experiments.finished_run` asks MLflow
FINISHED_RUN = """
    SELECT runs.run_uuid FROM runs
    JOIN experiments USING (experiment_id)
    JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'stage_key'
    WHERE experiments.name = ? AND experiments.lifecycle_stage = 'active'
        AND tags.value = ? AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
    ORDER BY runs.start_time DESC LIMIT 1
"""


def finished_run(file: Path, experiment: str, key: str) -> str | None:
    """The id of the newest run that finished a stage with this key; None if there is none, or it cannot be told."""
    if not file.is_file():
        return None
    with contextlib.suppress(sqlite3.Error):
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute(FINISHED_RUN, (experiment, key)).fetchone()
        return None if found is None else found[0]
    return None

"""Tables as MLflow's pages read them: https://mlflow.org/docs/latest/python_api (`log_table`)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.engine.record import PICTURE, Tables
from pipeline.tracking.pictures import PREVIEW, WHOLE

# by which the pages find tables
TABLES_TAG = "mlflow.loggedArtifacts"


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as the text of an artifact."""
    return json.dumps({"columns": list(columns), "data": [list(row) for row in rows]})


def table_tag(*paths: str) -> dict[str, str]:
    """Return the tag that tells MLflow's page of tables; nothing if there are none."""
    return {TABLES_TAG: json.dumps([{"path": path, "type": "table"} for path in paths])} if paths else {}


def lay_out_tables(tables: Tables, target: Path, pictures: Mapping[str, str]) -> None:
    """Put tables into `target`, a file each.

    Args:
        pictures: path below the stage's folder -> where its file and preview lie in the run, without their endings.
    """
    target.mkdir()
    for name, columns in tables.items():
        cells = [
            [_picture(pictures[path]) for path in column] if heading == PICTURE else column
            for heading, column in columns.items()
        ]
        (target / f"{name}.json").write_text(table(list(columns), list(zip(*cells, strict=True))), encoding="utf-8")


def _picture(stem: str) -> dict[str, str]:
    """Return a picture as a cell."""
    return {"type": "image", "filepath": f"{stem}{WHOLE}", "compressed_filepath": f"{stem}{PREVIEW}"}

"""Names as MLflow takes them."""

import re

LONGEST_NAME = 250


def mlflow_name(name: str) -> str:
    """Return the nearest name that MLflow takes for parameters, metrics, tags and pictures alike."""
    return re.sub(r"[^a-zA-Z0-9_\-./ ]", "_", name)[:LONGEST_NAME]

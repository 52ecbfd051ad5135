"""What MLflow takes as a name."""

import re

from pipeline.errors import one_line, without_passwords

__all__ = ["LONGEST_NAME", "mlflow_name", "one_line", "without_passwords"]

LONGEST_NAME = 250


def mlflow_name(name: str) -> str:
    """The nearest name that MLflow takes for parameters, metrics, tags and pictures alike."""
    return re.sub(r"[^a-zA-Z0-9_\-./ ]", "_", name)[:LONGEST_NAME]

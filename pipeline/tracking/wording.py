"""What MLflow and the log may be told: names, single lines, no passwords."""

import re

LONGEST_NAME = 250
LONGEST_LINE = 300


def without_passwords(text: str) -> str:
    """`text` with ``//user:password@`` as ``//user@``, and ``password=...`` without what follows."""
    text = re.sub(r"(//[^/@:\s]*):[^/\s]*@", r"\1@", text)
    return re.sub(r"(?i)\b(password=)[^&\s]*", r"\1", text)


def one_line(error: BaseException) -> str:
    """What went wrong, in one line without passwords."""
    message = " ".join(without_passwords(str(error)).split())
    return f"{type(error).__name__}: {message}"[:LONGEST_LINE] if message else type(error).__name__


def mlflow_name(name: str) -> str:
    """The nearest name that MLflow takes for parameters, metrics, tags and pictures alike."""
    return re.sub(r"[^a-zA-Z0-9_\-./ ]", "_", name)[:LONGEST_NAME]

"""Names as MLflow takes them."""

import posixpath
import re

LONGEST_NAME = 250


def mlflow_name(name: str) -> str:
    """Return the nearest name that MLflow takes for parameters, metrics, tags and pictures alike.

    It also has to be a path below a folder, written in the shortest way.
    """
    plain = re.sub(r"[^a-zA-Z0-9_\-./ ]", "_", name)[:LONGEST_NAME]
    is_path = posixpath.normpath(plain) == plain and not plain.startswith(("..", "/")) and plain != "."
    return plain if is_path else re.sub(r"^\.+", "_", plain.replace("/", "_")) or "_"

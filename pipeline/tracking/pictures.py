"""PNG files under the names by which MLflow's pages show them as one card with a slider."""

import uuid
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from pipeline.tracking.names import mlflow_name

# the tag without which the pages do not look for pictures
PICTURES_TAG = "mlflow.loggedImages"
# The cards show them at this size, whatever the room: so two runs stand side by side on a laptop, and a contact sheet
# of 128 maps still has a pixel for each of theirs. MLflow's own 256 are too few for that.
PREVIEW_SIZE = 480
# what the two files of a picture end with
WHOLE, PREVIEW = ".png", "+compressed.webp"


def lay_out_pictures(
    images: Mapping[str, Mapping[int, str]], folder: Path, target: Path, *, run_id: str, made: int
) -> dict[str, str]:
    """Put pictures into `target` as MLflow keeps them, and return path -> the stem of their files there.

    The file names follow from the run and from when the pictures were made: put there again they replace themselves.

    As `MlflowClient.log_image` does: each as ``NAME+step+STEP+timestamp+MS+UUID.png``, a slash of the name being ``~``,
    and a small one, which the cards show, as ``...+compressed.webp``. One `log_artifacts` of them all is many times
    faster than a `log_image` for each: https://github.com/mlflow/mlflow/blob/v3.17.2/mlflow/tracking/client.py

    Args:
        images: name -> {step: path of a PNG below `folder`}.
        target: a new folder.
        made: when, in ms.
    """
    target.mkdir()
    stems: dict[str, str] = {}
    for name, steps in images.items():
        for step, path in steps.items():
            unique = uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id} {name} {step}")
            stem = f"{mlflow_name(name).replace('/', '~')}+step+{step}+timestamp+{made}+{unique}"
            stems[path] = stem
            (target / f"{stem}{WHOLE}").symlink_to((folder / path).resolve())
            with Image.open(folder / path) as picture:
                picture.thumbnail((PREVIEW_SIZE, PREVIEW_SIZE))
                # pixels of enlarged images have sharp edges, which the lossy kind blurs; it is slower, too
                picture.save(target / f"{stem}{PREVIEW}", lossless=True, method=0)
    return stems

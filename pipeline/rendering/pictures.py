"""Named pictures, and how they become files."""

from pathlib import Path

import numpy as np
from PIL import Image

# relative path such as "maps/map_000.png" -> uint8 (height, width), grey, or (height, width, 3), RGB
Pictures = dict[str, np.ndarray]


def save_pictures(pictures: Pictures, folder: Path) -> None:
    """Write every picture as a PNG file below `folder`, which is made if need be, as are its subfolders."""
    for name, picture in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # level 3 takes half the time of the usual 6, for files of the same size
        Image.fromarray(picture).save(path, compress_level=3)

"""Arrays to pictures: one function per stage, each returns them by the file names that they should get."""

from pipeline.rendering.activations import render_activations
from pipeline.rendering.atlas_files import render_atlas_files
from pipeline.rendering.dream import render_dream
from pipeline.rendering.dream_sheet import render_dream_sheet
from pipeline.rendering.oip import render_oips
from pipeline.rendering.pictures import Animation, Pictures, save_pictures, size
from pipeline.rendering.statistics import render_statistics
from pipeline.rendering.train import render_train

__all__ = [
    "Animation",
    "Pictures",
    "render_activations",
    "render_atlas_files",
    "render_dream",
    "render_dream_sheet",
    "render_oips",
    "render_statistics",
    "render_train",
    "save_pictures",
    "size",
]

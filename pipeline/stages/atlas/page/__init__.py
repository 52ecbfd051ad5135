"""The atlas: one HTML file that shows what every map of a layer reacts to. Needs no network and no server."""

from pipeline.stages.atlas.page.about import About
from pipeline.stages.atlas.page.page import render_atlas

__all__ = ["About", "render_atlas"]

"""The atlas: one HTML file that shows what every map of a layer reacts to. Needs no network and no server."""

from pipeline.rendering.atlas.about import About
from pipeline.rendering.atlas.page import render_atlas

__all__ = ["About", "render_atlas"]

"""The page of a comparison: one HTML file that needs no network and no script."""

from pipeline.stages.compare.page.page import About, name_of, render_page

__all__ = ["About", "name_of", "render_page"]

"""The look of the pages: their style, and templates in which everything that is put into them is escaped."""

from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.stages.atlas.page.gallery import STOPS

_HERE = "pipeline.stages.atlas.page"


def environment(package: str = _HERE) -> Environment:
    """Return the templates of a package.

    Args:
        package: with a folder `templates`.
    """
    loader = PackageLoader(package)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def text_of(name: str, package: str = _HERE) -> str:
    """Return the text of a file among the templates of a package."""
    return (resources.files(package) / "templates" / name).read_text(encoding="utf-8")


def colour_stops() -> str:
    """Return the colours of measured values, from the smallest to the largest, as CSS has them."""
    return ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in STOPS)


def proportion(height: int, width: int) -> str:
    """Return width / height of the room for a picture, between 1/3 and 3; a longer one has bars beside it."""
    return f"{min(max(width / height, 1 / 3), 3):.4g}"

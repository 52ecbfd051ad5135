"""What a result depends on: a file that is forgotten would let an old result pass for a new one."""

import ast
from pathlib import Path

import pytest

from pipeline.engine import dependencies
from pipeline.engine.dependencies import needed, source_files_of, sources_of
from pipeline.settings.choices import Stage

PACKAGE = Path(dependencies.__file__).parent.parent
# settings, which are part of the key themselves; what computes nothing, or stops what must not go on
SETTINGS = ("__init__.py", "settings.py", "noise_settings.py")
NOT_COMPUTING = ("settings/", "data/dataset.py", "runtime/errors.py", "runtime/progress.py", "runtime/signals.py")


def file_of(module: str) -> Path | None:
    """The file of a module of this package, None for others."""
    if module.split(".")[0] != "pipeline":
        return None
    path = PACKAGE.parent / Path(*module.split("."))
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found if found.is_file() else None


def imported(file: Path) -> set[Path]:
    """The files of this package that a file imports, those for type checking left out."""
    tree = ast.parse(file.read_text())
    skipped = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {path for name in names if (path := file_of(name)) is not None}


def closure(start: Path) -> set[Path]:
    found, todo = set(), [start]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += imported(file)
    return found


@pytest.mark.parametrize("stage", Stage)
def test_whatever_computes_or_draws_a_stage_is_among_its_sources(stage: Stage) -> None:
    sources = set(source_files_of(stage))
    for start in (PACKAGE / "stages" / stage.value).rglob("*.py"):
        wanted = {
            file
            for file in closure(start)
            if not file.relative_to(PACKAGE).as_posix().startswith(NOT_COMPUTING) and file.name not in SETTINGS
        }
        # the data is part of the key by its digest
        forgotten = {file.relative_to(PACKAGE).as_posix() for file in wanted - sources}
        assert forgotten == set(), stage


def test_the_templates_of_the_page_are_sources_of_the_atlas_and_of_no_training() -> None:
    of_atlas = {file.name for file in source_files_of(Stage.atlas)}
    assert {"page.html.j2", "atlas.css", "atlas.js", "warnings.py"} <= of_atlas
    assert not {"page.html.j2", "warnings.py", "ascent.py"} & {file.name for file in source_files_of(Stage.train)}
    assert len({sources_of(stage) for stage in Stage}) == len(Stage)


def test_what_a_stage_stands_on_comes_along() -> None:
    assert needed([Stage.atlas]) == {Stage.train, Stage.statistics, Stage.oip, Stage.atlas}
    assert needed([Stage.train]) == {Stage.train}
    assert needed([]) == set()

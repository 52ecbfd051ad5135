"""The house: which room may know which, how large they are, and what only one of them knows."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from verbs import VERBS

from pipeline.engine.provenance import PACKAGE
from pipeline.stages.registry import STAGES

# room -> the rooms that it may import; REGISTRY stands for the names and declarations of the stages
REGISTRY = "stages/registry.py"
MAY_KNOW = {
    "runtime": set(),
    "core": {"runtime"},
    "drawing": {"core", "runtime", "settings"},
    # of data only which data sets there are
    "settings": {"runtime", "core", "data/sets/__init__.py", "data/source.py", REGISTRY},
    "data": {"settings", "core", "runtime"},
    "engine": {"data", "settings", "drawing", "runtime"},
    "stages": {"engine", "data", "settings", "drawing", "core", "runtime"},
    "tracking": {"engine", "data", "settings", "runtime", REGISTRY},
    "sweeps": {"tracking", "engine", "data", "settings", "drawing", "runtime", REGISTRY},
    "commands": {"sweeps", "tracking", "engine", "data", "settings", "drawing", "core", "runtime", REGISTRY},
}
LONGEST_FILE, LONGEST_FUNCTION, MOST_ROOMS = 300, 60, 14
FILES = sorted(PACKAGE.rglob("*.py"))
# Where a stage's name is said all the same, and why.
NAMED = {
    # the command that makes an atlas, of a recorded training and its OIPs
    "commands/atlas.py": {"atlas", "oip"},
    # the command that compares two recorded trainings
    "commands/compare.py": {"compare"},
    # the names of these commands
    "commands/table.py": {"atlas", "compare"},
    # the stages whose model others stand on, which has to be found, or computed, with them
    "engine/stage.py": {"train", "model"},
}


def name_of(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


@functools.cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def modules_in(file: Path, *, types: bool) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether that is done when it is imported itself.

    Args:
        types: also what is imported for type checking.
    """
    inside = {
        child
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    for_types = {
        child
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree_of(file)):
        if node in for_types and not types:
            continue
        at_once = node not in inside and node not in for_types
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                yield name, at_once
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_once


def imports(file: Path, *, types: bool = False, at_once_only: bool = False) -> set[Path]:
    """The files of the package that a file imports."""
    found = set()
    for module, at_once in modules_in(file, types=types):
        if module.split(".")[0] != "pipeline" or (at_once_only and not at_once):
            continue
        path = PACKAGE.joinpath(*module.split(".")[1:])
        place = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if place.is_file() and place != file:
            found.add(place)
    return found


def room_of(file: Path) -> str:
    return name_of(file).split("/")[0]


def test_a_newcomer_finds_few_rooms_at_the_top() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert len(rooms) <= MOST_ROOMS, sorted(rooms)
    assert rooms == {*MAY_KNOW, "__init__", "__main__"}


@pytest.mark.parametrize("room", MAY_KNOW)
def test_a_room_knows_those_below_it_alone(room: str) -> None:
    unwanted = {
        f"{name_of(file)} -> {name_of(other)}"
        for file in FILES
        if room_of(file) == room
        for other in imports(file)
        if room_of(other) not in {room, *MAY_KNOW[room]}
        and name_of(other) not in MAY_KNOW[room]
        # the package itself, and what a package says of itself
        and not (other.name == "__init__.py" and len(tree_of(other).body) <= 1)
        and other.parent != PACKAGE
    }
    assert unwanted == set()


def test_there_are_no_circles_among_files() -> None:
    todo = {file: imports(file) for file in FILES}
    while free := [file for file, others in todo.items() if not others & todo.keys()]:
        for file in free:
            del todo[file]
    assert sorted(map(name_of, todo)) == []


@pytest.mark.parametrize("room", ["engine", "tracking", "sweeps", "commands"])
def test_a_stage_is_named_by_itself_alone(room: str) -> None:
    """Texts that are the name of a stage, or a path into its folder; the words of docstrings do not count."""
    pattern = re.compile(rf"({'|'.join(STAGES)})(/.*)?")
    for file in (file for file in FILES if room_of(file) == room):
        texts = {node.value for node in ast.walk(tree_of(file)) if isinstance(node, ast.Constant)}
        named = {found[1] for text in texts if isinstance(text, str) and (found := pattern.fullmatch(text))}
        # the half of a data set, which has the name of a stage
        named -= {"train"} if name_of(file) == "tracking/datasets.py" else set()
        # the field of a result, and MLflow's word for what a training made
        named -= {"model"} if name_of(file) in ("engine/storage.py", "tracking/writing.py") else set()
        assert named == NAMED.get(name_of(file), set()), name_of(file)


@pytest.mark.parametrize(
    ("package", "places"),
    [
        ("mlflow", ("tracking/",)),
        (
            "hydra",
            (
                *("commands/run.py", "commands/composed.py", "commands/completion.py", "sweeps/callback.py"),
                *("settings/compose.py", "settings/presets.py", "settings/preset_check.py"),
                *("settings/words.py", "settings/quoting.py"),
            ),
        ),
    ],
)
def test_a_package_is_known_in_its_place_alone(package: str, places: tuple[str, ...]) -> None:
    for file in FILES:
        knows = any(module.split(".")[0] == package for module, _ in modules_in(file, types=True))
        assert not knows or name_of(file).startswith(places), name_of(file)


@pytest.mark.parametrize("package", ["tensorflow", "keras", "mlflow", "matplotlib", "sklearn"])
def test_what_is_heavy_is_imported_when_it_is_needed(package: str) -> None:
    """By the modules that every command imports."""
    at_start, todo = set(), [PACKAGE / "commands" / "run.py", *(PACKAGE / "stages").glob("*/stage.py")]
    while todo:
        file = todo.pop()
        if file not in at_start:
            at_start.add(file)
            todo += imports(file, at_once_only=True)
    for file in at_start:
        modules = modules_in(file, types=False)
        heavy = [module for module, at_once in modules if at_once and module.split(".")[0] == package]
        assert heavy == [], name_of(file)


def test_files_and_functions_are_short_or_say_why_not() -> None:
    """The lines of a function are those of its code, without its docstring."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= LONGEST_FILE, name_of(file)
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef):
                docstring = node.body[0] if ast.get_docstring(node) else None
                told = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
                length = (node.end_lineno or 0) - node.lineno + 1 - told
                reason = text.splitlines()[node.lineno - 2 - len(node.decorator_list)].strip()
                assert length <= LONGEST_FUNCTION or reason.startswith("# long:"), (name_of(file), node.name, length)


def docstrings(file: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield the name and the docstring of everything in a file that has one, and whether it is a function."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            docstring = ast.get_docstring(node)
            if docstring:
                is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                yield getattr(node, "name", "the module"), docstring, is_function


def test_a_docstring_opens_with_what_a_function_does() -> None:
    """With one of the verbs."""
    plugins = PACKAGE.parent / "hydra_plugins"
    for file in [*FILES, *sorted(plugins.rglob("*.py"))]:
        for name, docstring, is_function in docstrings(file):
            assert not is_function or docstring.split()[0].rstrip(",") in VERBS, (str(file), name, docstring)


def test_the_verbs_are_sorted() -> None:
    lines = (Path(__file__).parent / "verbs.py").read_text(encoding="utf-8").splitlines()
    words = [line.strip(' ",') for line in lines if line.startswith('        "')]
    assert words == sorted(VERBS)

"""What a result depends on: a file that is forgotten would let an old result pass for a new one."""

import ast
import functools
from pathlib import Path

import numpy as np
import pytest

from pipeline import compose
from pipeline.data.dataset import Dataset
from pipeline.engine.plan import Plan
from pipeline.engine.provenance import PACKAGE
from pipeline.engine.sources import source_files, sources_digest
from pipeline.engine.stage import needed
from pipeline.stages.registry import STAGES

# settings, which are part of the key themselves, as data is by its digest; what describes, or tells how far it is
NOT_COMPUTING = ("settings/", "data/", "engine/", "runtime/")
NOT_OF_RESULT = ("settings.py", "noise_settings.py", "faithful_settings.py", "shows.py")


def file_of(module: str) -> Path | None:
    """The file of a module of this package, None for others."""
    if module.split(".")[0] != "pipeline":
        return None
    path = PACKAGE.parent / Path(*module.split("."))
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found if found.is_file() else None


def imported(file: Path) -> set[Path]:
    """The files of this package that a file imports, by Python's own parser, those for type checking left out."""
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
            # settings are part of the key by their values; a CNN's file that they read, by its content
            todo += [] if name_of(file).startswith("settings/") else imported(file)
    return found


def name_of(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("stage", STAGES)
def test_whatever_computes_or_draws_a_stage_is_among_its_sources(stage: str) -> None:
    sources = set(map(name_of, source_files(STAGES[stage])))
    for start in (PACKAGE / "stages" / stage).rglob("*.py"):
        if start.name in NOT_OF_RESULT:
            continue
        wanted = {name_of(file) for file in closure(start) if file.name not in NOT_OF_RESULT}
        forgotten = {name for name in wanted - sources if not name.startswith(NOT_COMPUTING)}
        # only what imports of settings or data bring along
        assert {name for name in forgotten if Path(name).name != "__init__.py"} == set(), start


def test_sources_are_of_what_computes_and_draws_and_of_nothing_else() -> None:
    of = {stage: {name_of(file) for file in source_files(STAGES[stage])} for stage in STAGES}
    templates = {f"stages/atlas/page/templates/{name}" for name in ("page.html.j2", "atlas.css", "atlas.js")}
    assert templates <= of["atlas"]
    for stage, names in of.items():
        assert {f"stages/{stage}/{name}.py" for name in ("stage", "compute", "pictures", "metrics", "result")} <= {
            name.replace("pictures/__init__", "pictures") for name in names
        }
        assert {"engine/storage.py", "engine/record.py", "runtime/numerics.py", "drawing/pictures.py"} <= names
        assert not any(name.startswith(("settings/", "data/", "tracking/", "commands/")) for name in names)
        assert not any(name.endswith(NOT_OF_RESULT) for name in names)
    assert not templates & of["train"]
    assert {"core/ascent.py", "core/forward.py"} <= of["oip"]
    assert "core/ascent.py" not in of["train"]
    # the drawing of one stage is no source of another; words about OIPs stand on the pages of two others
    for stage, names in of.items():
        others = {name for name in names if name.startswith("stages/") and not name.startswith(f"stages/{stage}/")}
        assert {name for name in others if "/pictures" in name} <= {"stages/oip/pictures/words.py"}, stage
    assert len({sources_digest(stage) for stage in STAGES.values()}) == len(STAGES)


def test_what_a_stage_stands_on_comes_along() -> None:
    assert needed(STAGES, ["atlas"]) == ["train", "statistics", "oip", "atlas"]
    assert needed(STAGES, ["train"]) == ["train"]
    assert needed(STAGES, []) == []


composed = functools.cache(compose)


def key_of(stage: str, *words: str, class_names: tuple[str, ...] = tuple("0123456789")) -> str:
    """The key of a stage's result, of some data and a photo."""
    config = composed(*words)
    nothing = np.zeros(0)
    data = Dataset("some", "its digest", nothing, nothing, nothing, nothing, class_names)
    plan = Plan(stages=STAGES, config=config, dataset=data, inputs={name: {} for name in STAGES})
    return plan.key(stage)


@pytest.mark.parametrize("stage", ["dream", "dream_sheet"])
def test_a_dream_by_octaves_depends_on_the_seed_of_its_shifts(stage: str) -> None:
    """Also where the training, whose seed follows it, has one of its own; carving draws nothing."""
    keys = {
        method: [key_of(stage, "train.seed=0", f"seed={seed}", f"dream={method}") for seed in (0, 1)]
        for method in ("octaves", "default")
    }
    assert keys["octaves"][0] != keys["octaves"][1]
    assert keys["default"][0] == keys["default"][1]


def test_a_result_whose_pictures_name_classes_depends_on_their_names() -> None:
    for stage in STAGES:
        if stage == "model":
            # it looks at no data
            continue
        named, others = key_of(stage), key_of(stage, class_names=tuple("abcdefghij"))
        assert named != others, stage

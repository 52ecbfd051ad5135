"""The installed package, outside the checkout: what it has with it, and settings of one's own beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, SMOKE, execute, pipeline, succeeded
from omegaconf import OmegaConf
from test_presets import of_page, written

# what the example of docs/own_settings.md is made small by
SMALL = ("data.limit=60", "train.epochs=1", "oip.steps=3")
JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as pip installs it."""
    place = tmp_path_factory.mktemp("wheel")

    def run(*command: str) -> None:
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)

    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place / "dist"))
    (wheel,) = (place / "dist").glob("mnist_dream-*.whl")
    installed = place / "installed"
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(installed), str(wheel))
    return installed


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of a user who has none of the files of others."""
    (folder := tmp_path / "elsewhere").mkdir()
    (home := tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(home))
    return folder


def settings_of(folder: Path) -> list[tuple[int, list[float], list[int], int]]:
    """Of every job, in order: the steps, waves and maps of its OIPs, and the epochs that its data set asks for."""
    files = sorted(folder.glob("outputs/multirun/*/*/*/oip/config.yaml"))
    assert all((file.parent / "contact_sheet.png").is_file() for file in files)
    found = [OmegaConf.load(file) for file in files]
    return [(c.oip.steps, list(c.noise.wavelengths), list(c.oip.map_indices), c.data.epochs) for c in found]


def test_it_works_outside_the_checkout(installed: Path, elsewhere: Path) -> None:
    script = (installed / "bin" / "mnist-dream").read_text()
    assert "pipeline.__main__" in script
    overrides = (*SMOKE, "stages=[oip]", "noise=long,short", "tracking=none")
    succeeded(pipeline(elsewhere, "-m", *overrides, fresh=True, sources=installed))
    assert len(list((elsewhere / "outputs" / "multirun").glob("*/*/*/oip/contact_sheet.png"))) == 2


@pytest.mark.process
@pytest.mark.parametrize("launcher", [(), JOBLIB], ids=["in_order", "joblib"])
def test_with_settings_of_ones_own(installed: Path, elsewhere: Path, launcher: tuple[str, ...]) -> None:
    """The example of docs/own_settings.md with a noise and a data set beside it: one run, then a sweep."""
    files = {
        "noise/three": "defaults: [mixed, _self_]\nwavelengths: [3]\n",
        "data/mine": "defaults: [digits, _self_]\nepochs: 7\n",
        "experiment/mine": "# @package _global_\ndefaults: [strokes, override /data: mine, _self_]\nseed: 3\n",
    }
    written(of_page(elsewhere), files)
    words = ("--config-dir", "mine", "experiment=mine", *SMALL)
    sweep = ("-m", *words, "noise=three,long", "tracking=none", *launcher)
    succeeded(pipeline(elsewhere, *sweep, fresh=True, sources=installed))
    assert settings_of(elsewhere) == [(3, [3], [0, 56], 7), (3, [3, 7], [0, 56], 7)]
    # the CNN of the sweep is there already
    printed = succeeded(pipeline(elsewhere, *words, fresh=True, sources=installed))
    assert "2 of 2 maps" in printed
    # where there is no make
    assert "look at it   mnist-dream ui\n" in printed


def test_python_composes_them_too(installed: Path, elsewhere: Path) -> None:
    of_page(elsewhere)
    program = (
        "import json, pipeline\nconfig = pipeline.compose('experiment=strokes', config_dir='mine')\n"
        "print(json.dumps([pipeline.__file__, config.oip.steps, config.noise.wavelengths, config.data.limit]))"
    )
    told, _ = execute(elsewhere, "-c", program, fresh=True, sources=installed).communicate()
    assert json.loads(told) == [str(installed / "pipeline" / "__init__.py"), 96, [3, 7], 200]

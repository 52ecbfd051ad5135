"""Settings that refer to others, ${...}: what leads somewhere is taken, the rest refused before a file is written."""

import shlex
from pathlib import Path

import pytest
from commands import SMOKE, pipeline, succeeded
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import setup_globals
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from refusals import refusal

from pipeline.commands.run import prepare_hydra
from pipeline.settings import schema
from pipeline.settings.compose import check_composed
from pipeline.settings.presets import Presets
from pipeline.sweeps.callback import known_to_resolvers

NOWHERE = [
    (
        ["oip.steps=${nothing.there}"],
        "oip.steps: takes a whole number; got ${nothing.there}: there is no nothing.there",
    ),
    (["oip.steps=${oip.steps}"], "oip.steps: takes a whole number; got ${oip.steps}: it leads back to itself"),
    (
        ["oip.steps=${dream.steps}", "dream.steps=${oip.steps}"],
        "oip.steps: takes a whole number; got ${dream.steps}: it leads back to itself",
    ),
    (["oip.steps=${oip}"], "oip.steps: takes a whole number; got ${oip}: it leads to a group that it is in"),
    (["oip.steps=${oc.env:NOPE}"], "oip.steps: takes a whole number; got ${oc.env:NOPE}: the environment has no NOPE"),
    (["oip.steps=${nope:1}"], "oip.steps: takes a whole number; got ${nope:1}: there is no resolver nope"),
    (["oip.steps=${dream.photo}"], "oip.steps: takes a whole number; got ${dream.photo}: that is flower"),
    (
        ["oip.map_indices=[1,${nope}]"],
        "oip.map_indices[1]: takes a list, each entry a whole number or null; got ${nope}",
    ),
    (["stages=[${nope}]"], "stages[0]: takes a list, each entry one of "),
    (["stages=${nope}"], "stages: takes a list, each entry one of "),
    (["model.convolutions.Conv2D_1.filters=${nope}"], "model.convolutions.Conv2D_1.filters: takes a whole number; got"),
    (["oip.quality=${oip.faithful}"], "oip.quality: takes a group with total_variation, "),
    (["dream.photo=${train.initial_weights}"], "dream.photo: takes a text; got ${train.initial_weights}: that is null"),
    (
        ["dream.photo=pic${1}.jpg"],
        "dream.photo: takes a text; got pic${1}.jpg: there is no 1; as a text: 'dream.photo=\"pic\\${1}.jpg\"'",
    ),
    (["output_dir=${nothing}"], "output_dir: takes a text; got ${nothing}: there is no nothing; as a text: "),
]


@pytest.mark.parametrize(("words", "said"), NOWHERE)
def test_what_leads_nowhere_is_refused(compose, words: list[str], said: str) -> None:
    assert refusal(lambda: compose(*words)).startswith(said)


def composed_by_hydra(*words: str) -> DictConfig:
    """What Hydra composes of these words for a run, its own settings included."""
    setup_globals()
    prepare_hydra()
    return Presets(words).loader.load_configuration("config", list(words), RunMode.RUN)


def test_what_hydra_knows_is_taken_before_a_job_begins() -> None:
    words = (
        "output_dir=${hydra:runtime.cwd}/o2",
        "dream.photo=${hydra:runtime.cwd}/x.jpg",
        "oip.steps=${hydra:job.num}",
    )
    with known_to_resolvers(composed := composed_by_hydra(*words)):
        check_composed(composed)
        assert composed.hydra.run.dir.startswith(f"{Path.cwd()}/o2/")
        assert composed.dream.photo == f"{Path.cwd()}/x.jpg"
    assert not HydraConfig.initialized()
    said = refusal(lambda: check_composed(composed))
    assert "got ${hydra:runtime.cwd}/o2: Hydra's own settings are known in its commands alone" in said


def test_a_resolver_without_a_value_is_told() -> None:
    said = refusal(lambda: check_composed(composed_by_hydra("dream.photo=${now:}")))
    assert "got ${now:}: the resolver takes a value behind its colon, as ${now:%Y}" in said


def test_what_is_relative_to_a_setting_is_not_looked_up_among_the_words() -> None:
    composed = composed_by_hydra("oip.steps=${..seed}", "seed=0")
    with known_to_resolvers(composed):
        check_composed(composed)
        assert Presets.of_job(composed.hydra).words == ["oip.steps=${..seed}", "seed=0"]
    assert composed.oip.steps == 0


def test_what_leads_somewhere_is_taken(compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_A_TEST", "Rosé=1.jpg")
    words = (
        "dream.steps=${oip.steps}",
        "oip.steps=7",
        "oip.map_indices=[${seed},1]",
        "dream.photo=${oc.env:OF_A_TEST}",
    )
    config = compose(*words, "data.limit=${oc.env:NOPE,60}")
    assert (config.dream.steps, config.oip.map_indices) == (7, [0, 1])
    assert (config.dream.photo, config.data.limit) == ("Rosé=1.jpg", 60)


def test_a_text_with_such_signs_is_the_same_when_it_is_read_from_its_record(compose) -> None:
    said = refusal(lambda: compose("dream.photo=pic${1}.jpg"))
    (word,) = shlex.split(said.partition("as a text: ")[2])
    assert compose(word).dream.photo == "pic${1}.jpg"
    text = schema.to_text(OmegaConf.create({"a": r"\${1}", "b": "${c}", "c": [1, "x"]}))
    again = OmegaConf.create(text)
    assert isinstance(again, DictConfig)
    assert OmegaConf.to_container(again, resolve=True) == {"a": "${1}", "b": [1, "x"], "c": [1, "x"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("oip.steps=${nothing.there}",),
            "oip.steps: takes a whole number; got ${nothing.there}: there is no nothing.there",
        ),
        (("output_dir=${nothing}",), "output_dir: takes a text; got ${nothing}: there is no nothing"),
        (
            ("hydra.run.dir=${nope}/x",),
            "hydra.run.dir: takes a value, or ${NAME} of what has one; got ${nope}/x: there is no",
        ),
        (("hydra.job.name=${nope}",), "hydra.job.name: takes a value, or "),
        (("hydra.verbose=${nope}",), "hydra.verbose: there is no nope"),
        (("hydra.mode=${nope}",), "hydra.mode: there is no nope"),
        (("hydra.run.dir=${oc.env:NOPE,''}",), "hydra.run.dir: takes a folder; got nothing"),
        (("--cfg", "job", "--resolve", "seed=${nope}"), "seed=${nope}: there is no nope"),
        (
            ("hydra.job.chdir=true",),
            "hydra.job.chdir: takes false, as paths in settings begin where the command is given",
        ),
        (("-m", "seed=0,1", "hydra.job.chdir=true"), "hydra.job.chdir: takes false"),
        (("-m", "seed=0,1", "oip.steps=${nope}"), "oip.steps: takes a whole number; got ${nope}: there is no nope"),
        (("-m", "oip.steps=3,${nope}", "seed=0,1"), "oip.steps: takes a whole number; got ${nope}: there is no nope"),
        (("-m", "seed=0,1", "hydra.sweep.dir=${nope}/x"), "hydra.sweep.dir: takes a value, or "),
        (("-m", "seed=0,1", "hydra.sweep.subdir=${nope}"), "hydra.sweep.subdir: takes a value, or "),
    ],
)
def test_a_command_that_refers_to_nothing_writes_nothing(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    process = pipeline(tmp_path, *words)
    assert (process.returncode, process.stdout) == (2, "")
    (line,) = process.stderr.splitlines()
    assert line.startswith(f"mnist-dream: {said}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("package", "words", "said"),
    [
        (
            "hydra_joblib_launcher",
            ("hydra/launcher=joblib", "oip.steps=3,${oc.env:NOPE}"),
            "oip.steps: takes a whole n",
        ),
        (
            "hydra_joblib_launcher",
            ("hydra/launcher=joblib", "seed=0,1", "hydra.launcher.n_jobs=${nope}"),
            "hydra.launcher.",
        ),
        (
            "hydra_optuna_sweeper",
            ("hydra/sweeper=optuna", "stages=[oip]", "oip.steps=3,${nope}"),
            "oip.steps: takes a who",
        ),
        (
            "hydra_optuna_sweeper",
            ("hydra/sweeper=optuna", "stages=[oip]", "hydra.sweeper.params={oip.step:'3,4'}"),
            "oip.step: no such setting; did you mean oip.steps",
        ),
        (
            "hydra_optuna_sweeper",
            ("hydra/sweeper=optuna", "stages=[oip]", "hydra.sweeper.params={oip.steps:'3,${nope}'}"),
            "hydra.sweeper.params.oip.steps: takes a value, or ",
        ),
    ],
)
def test_a_sweep_of_a_plugin_that_refers_to_nothing_writes_nothing(
    tmp_path: Path, package: str, words: tuple[str, ...], said: str
) -> None:
    pytest.importorskip(f"hydra_plugins.{package}")
    test_a_command_that_refers_to_nothing_writes_nothing(tmp_path, ("-m", *words), said)


def test_a_sweep_that_refers_to_its_own_settings_is_recorded_and_resumed(trained_here: Path) -> None:
    words = ("stages=[train]", "tracking=none", "oip.steps=4", "dream.steps=${oip.steps},${train.epochs}")
    places = ("hydra.sweep.dir=${output_dir}/s", "hydra.sweep.subdir=${seed}-${dream.steps}")
    succeeded(pipeline(trained_here, "-m", *SMOKE, *words, *places))
    place = trained_here / "outputs" / "s"
    assert {path.parent.name for path in place.glob("*/job.json")} == {"0-4", "0-2"}
    assert succeeded(pipeline(trained_here, "resume", str(place))).startswith("2 of 2 jobs are finished")

"""The settings: every file composes, and what cannot be used is refused in one line that names it."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from refusals import refusal

from pipeline.runtime.errors import InputError
from pipeline.settings import schema
from pipeline.settings.choices import (
    Activation,
    LearningRateSchedule,
    Objective,
    Optimizer,
    Regularizer,
    StepSizeSchedule,
    TrackingBackend,
)
from pipeline.settings.config import Config
from pipeline.settings.model import ConvolutionConfig
from pipeline.stages.registry import NAMES

CONF = Path(__file__).resolve().parent.parent / "conf"
GROUP_FILES = sorted(f"{file.parent.name}={file.stem}" for file in CONF.glob("*/*.yaml"))

STAGES = ", ".join(NAMES)

# what a file leaves open on purpose
NEEDED = {"tracking=server": ["tracking.uri=http://127.0.0.1:5000"], "noise=picture": ["noise.picture=rose.jpg"]}
NEEDED |= {"data=npz": ["data.path=cats.npz"], "data=folder": ["data.path=cats"]}


@pytest.fixture(scope="session")
def own_model(tmp_path_factory, new_cnn):
    """The file of a CNN."""
    path = tmp_path_factory.mktemp("own") / "own.keras"
    new_cnn().save(path)
    return path


# files -------------------------------------------------------------------------------------------------------------


def test_the_groups_of_conf_are_all_there():
    assert {name.partition("=")[0] for name in GROUP_FILES} == {
        "activations", "atlas", "compare", "data", "dream", "experiment", "model", "noise", "oip", "statistics",
        "tracking", "train",
    }  # fmt: skip


@pytest.mark.parametrize("file", GROUP_FILES)
def test_every_file_of_every_group_composes(compose, file, own_model):
    config = compose(file, *(f"model.path={own_model}" for _ in range(file == "model=file")), *NEEDED.get(file, []))
    assert isinstance(config, Config)
    group, _, name = file.partition("=")
    # a file that says what it is for has taken effect
    written = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{name}.yaml"))
    taken = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)
    if group != "experiment":
        taken = taken[group]
    given = {word.partition("=")[0].partition(".")[2] for word in NEEDED.get(file, [])}
    for key, value in written.items():
        if (
            key not in {"defaults", *given}
            and not isinstance(value, dict)
            and "${" not in str(value)
            and value != "???"
            and not (file == "model=file" and value is None)
        ):
            assert taken[key] == value, key


def test_nothing_is_left_untyped(compose):
    config = compose()
    assert config.stages == [name for name in NAMES if name not in ("dream_sheet", "compare", "model")]
    assert isinstance(config.model.convolutions["Conv2D_1"], ConvolutionConfig)
    assert config.model.convolutions["Conv2D_1"].activation is Activation.relu
    assert isinstance(config.oip.step_size, float)
    assert type(config.dream.levels) is list
    assert type(config.model.pools) is dict


def test_the_defaults_begin_with_embedded_data_and_a_local_record(compose):
    config = compose()
    assert config.data.name == "digits"
    assert config.data.path is None
    assert config.dream.photo == "flower"
    assert config.tracking.backend is TrackingBackend.mlflow
    assert config.tracking.uri is None
    assert config.oip.map_indices is None
    assert config.oip.objective is Objective.pre_activation


def test_the_training_of_the_article(compose):
    train = compose("train=article").train
    assert (train.epochs, train.batch_size) == (80, 64)
    assert (train.optimizer.name, train.optimizer.momentum, train.optimizer.weight_decay) == (Optimizer.rmsprop, 0.8, 0)
    rate = train.learning_rate
    assert (rate.schedule, rate.initial, rate.rate, rate.decay_steps) == (LearningRateSchedule.power, 0.001, 0.001, 1)
    assert (train.regularizer.kind, train.regularizer.factor) == (Regularizer.l2, 0.001)
    off = dict.fromkeys(("rotation", "shift", "zoom", "shear", "elastic", "cut_out"), 0)
    assert vars(train.augmentation) == {**off, "smoothness": 4.0}
    assert (train.optimizer.averaging, rate.warm_up, train.label_smoothing) == (0, 0, 0)


def test_the_ascent_of_the_article(compose):
    oip = compose("oip=article").oip
    assert (oip.layer, oip.map_indices, oip.objective) == ("Conv2D_3", None, Objective.activation)
    assert (oip.steps, oip.step_size, oip.step_size_schedule) == (600, 0.01, StepSizeSchedule.constant)
    assert vars(oip.convergence) == {"criterion": 5e-4, "after": 10, "patience": 4, "stop": False}
    assert (oip.zero_steps, oip.snapshots) == (10, 6)


def test_the_noise_of_the_article(compose):
    noise = compose().noise
    assert noise.wavelengths == [3, 7, 14, 28]
    assert noise.amplitudes == [0.5]


def test_the_dream_of_the_article(compose):
    dream = compose("dream=article").dream
    assert (dream.size, dream.layer, dream.map_indices) == (560, "Conv2D_3", [56])
    assert dream.objective is Objective.activation
    assert 4 <= dream.turns <= 6
    assert (dream.steps, dream.step_size, dream.convergence.criterion) == (30, 0.01, 2e-4)
    # the whole and one quarter of 280 x 280
    assert dream.levels == [1, 2]
    assert [len(tiles) for tiles in dream.tiles] == [1, 1]


def test_the_experiment_of_the_article_takes_all_of_its_parts(compose):
    whole, parts = compose("experiment=article"), compose("data=mnist", "train=article", "oip=article", "dream=article")
    assert whole == parts
    assert whole.data.name == "mnist"


def test_seeds_and_epochs_follow_what_they_refer_to_unless_they_are_set(compose):
    config = compose("seed=7", "data.epochs=3")
    assert (config.train.seed, config.noise.seed, config.train.epochs) == (7, 7, 3)
    config = compose("seed=7", "noise.seed=8", "train.epochs=4")
    assert (config.train.seed, config.noise.seed, config.train.epochs) == (7, 8, 4)


def test_two_wavelengths_go_with_the_one_amplitude_of_the_defaults(compose):
    noise = compose("noise.wavelengths=[3,7]").noise
    assert (noise.wavelengths, noise.amplitudes) == ([3, 7], [0.5])


def test_a_recorded_composition_without_types_becomes_the_same_settings(compose):
    config = compose("oip.steps=33", "stages=[oip]")
    recorded = OmegaConf.create(OmegaConf.to_yaml(OmegaConf.structured(config)))
    assert schema.to_config(recorded) == config


# unknown keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("oip.step", "oip.steps"),
        ("oip.convergence.criterio", "oip.convergence.criterion"),
        ("noise.wavelength", "noise.wavelengths"),
        ("train.learning_rate.intial", "train.learning_rate.initial"),
        ("sed", "seed"),
        ("model.convolutions.Conv2D_3.filter", "filters"),
    ],
)
def test_an_unknown_key_is_refused_with_what_was_perhaps_meant(compose, key, meant):
    message = refusal(compose, f"+{key}=3")
    assert message.startswith(f"{key}: no such setting; did you mean ")
    assert meant in message
    with pytest.raises(InputError, match=re.escape(message)):
        schema.check_key(key)


def test_a_key_that_resembles_nothing_is_refused_with_what_there_is(compose):
    message = refusal(compose, "+noise.xyz=3")
    assert (
        message
        == "noise.xyz: no such setting; noise has seed, kind, wavelengths, amplitudes, decay, picture, label, blend"
    )


def test_a_key_below_a_plain_value_is_refused():
    with pytest.raises(InputError, match=r"^oip\.steps\.more: no such setting; oip\.steps takes a whole number$"):
        schema.check_key("oip.steps.more")


@pytest.mark.parametrize("key", ["seed", "oip.convergence.stop", "model.convolutions.Anything.filters", "dream.tiles"])
def test_a_known_key_is_let_through(key):
    schema.check_key(key)


# values of another type ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "takes"),
    [
        ("oip.steps", "many", "a whole number"),
        ("oip.steps", 2.5, "a whole number"),
        ("oip.steps", None, "a whole number"),
        ("oip.step_size", "big", "a number"),
        ("reuse", "perhaps", "true or false"),
        ("oip.objective", "loss", "one of activation, pre_activation, l2"),
        ("train.optimizer.name", "sgd", "one of rmsprop, nadam, adamax, adamw"),
        ("data.name", "cifar", "one of digits, mnist, fashion_mnist, cifar10, npz, folder"),
        ("data.name", 3, "one of digits, mnist, fashion_mnist, cifar10, npz, folder"),
        ("data.name", None, "one of digits, mnist, fashion_mnist, cifar10, npz, folder"),
        ("data.name", ["mnist"], "one of digits, mnist, fashion_mnist, cifar10, npz, folder"),
        ("oip.map_indices", 3, "a list, each entry a whole number or null"),
        ("dream.fit", "fill", "one of keep, crop, stretch"),
        ("dream.color", "maybe", "true or false"),
        ("dream.method", "waves", "one of carving, octaves"),
        ("dream.correction", "none", "one of original, updated"),
        ("dream.enlargement", "lanczos", "one of bspline, bicubic"),
        ("dream.faithful.ink", "red", "one of light, dark, either"),
        ("dream.compare.by", "size", "one of maps, levels, strengths"),
        ("dream.levels", ["a"], "a list, each entry a whole number"),
        (
            "stages",
            ["oips"],
            f"a list, each entry one of {STAGES}",
        ),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_the_setting_takes(key, value, takes):
    with pytest.raises(InputError, match=rf"^{re.escape(key)}: takes {re.escape(takes)}; got ") as caught:
        schema.check_value(key, value)
    assert str(value) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("oip.steps", 3), ("oip.step_size", 3), ("oip.map_indices", None), ("oip.map_indices", [1, -1]),
        ("reuse", False), ("dream.tiles", [[0], [1, 2]]), ("train.epochs", "${data.epochs}"), ("data.name", "mnist"),
    ],
)  # fmt: skip
def test_a_value_of_the_right_type_is_let_through(key, value):
    schema.check_value(key, value)


def test_a_value_that_has_to_be_given_is_asked_for(compose):
    message = refusal(compose, "tracking=server")
    assert message == "tracking.uri: has to be given; takes a text or null"


def test_a_reference_to_nothing_is_refused(compose):
    said = "oip.steps: takes a whole number; got ${oip.nothing}: there is no oip.nothing"
    assert refusal(compose, "oip.steps=${oip.nothing}") == said

"""Words of the command line: those that Hydra does not read as they are meant are told as they have to be written."""

import ast
import contextlib
import re
import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from refusals import refusal

from pipeline.runtime.errors import InputError
from pipeline.settings.compose import check_overrides
from pipeline.settings.presets import Presets
from pipeline.settings.words import spelled, values_of

# Signs of a keyboard, and others: in names, and as their begin and end.
SIGNS = [*"!#$%&()*+,-./:;<=>?@[]^_`{|}~\\\"'", "é", "ß", "花", "😀"]
NAMES = [
    *(name for sign in SIGNS for name in (f"a{sign}b.jpg", f"{sign}b.jpg", f"a{sign}")),
    *("a b.jpg", "a  b.jpg", "rose (1).jpg", "a, b.jpg", "it's mine.jpg", 'my "rose".jpg', "C:\\photos\\a.jpg", "a\tb"),
    *(
        "path/epoch=9.npz",
        "a=b=c",
        "[a]",
        "[a",
        "{a: 1}",
        "(a)",
        "f(a)",
        "range(3)",
        "glob(*)",
        "choice(a,b)",
        "int(3)",
    ),
    *("1e3", "007", "1_000", "0x10", "true", "No", "nan", "inf", "-1", "+1", "1.50", "$HOME", "~/a", "a;b&c"),
    *("${", "a${", "pic${.jpg", "100%", '"a', '"a" b', "Rosé, rot.jpg", "日本 (1), 2=3.jpg", "a\u00a0b"),
]


def checked(arguments: list[str]) -> None:
    """The words of a command are looked at as the command does it."""
    check_overrides(Presets.of_command(arguments))


def value_of(word: str) -> object:
    """What Hydra's parser and OmegaConf make of a word of one value."""
    override = OverridesParser.create().parse_override(word)
    assert not override.is_sweep_override()
    return OmegaConf.create({"value": override.value()}).value


def advised(said: str) -> str:
    """The word that a message says is to be written, as a shell hands it on."""
    found = re.search(r"; write (.*)$", said, re.DOTALL)
    assert found is not None, said
    (word,) = shlex.split(found[1])
    return word


@pytest.mark.parametrize("key", ["dream.photo", "data.path", "hydra.run.dir", "hydra.sweep.subdir"])
def test_a_name_is_taken_as_it_is_or_told_as_it_has_to_be_written(key: str) -> None:
    refused = set()
    # the name of a folder is told in a line
    names = [name for name in NAMES if key != "hydra.run.dir" or "\t" not in name]
    for name in names:
        word = spelled(f"{key}={name}")
        is_taken = False
        with contextlib.suppress(InputError):
            checked([word])
            is_taken = True
        if not is_taken:
            refused.add(name)
            word = advised(refusal(checked, [word]))
            assert spelled(word) == word
            checked([word])
        assert str(value_of(word)) == name, word
    # of what has a meaning for Hydra
    assert {"a=b.jpg", "a,b.jpg", "rose (1).jpg", "[a]", "range(3)", "${", "it's mine.jpg"} <= refused
    # of what has none
    assert not refused & {"aéb.jpg", "花b.jpg", "a😀", "a#b.jpg", "~/a", "a;b&c", "1e3", "a b.jpg", "C:\\photos\\a.jpg"}


@pytest.mark.parametrize("sign", ["", "+", "++"])
def test_what_stands_before_a_name_is_kept(sign: str) -> None:
    said = refusal(checked, [f"{sign}train.initial_weights=path/epoch=9.npz"])
    assert said == (
        f"{sign}train.initial_weights=path/epoch=9.npz: special characters need quotes; "
        f"""write '{sign}train.initial_weights="path/epoch=9.npz"'"""
    )


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("oip.steps", "oip.steps: takes the form setting=value"),
        ("", ": takes the form setting=value"),
        ("=5", "=5: takes the form setting=value"),
        ("oip.steps:5", "oip.steps:5: takes the form setting=value"),
        ("oip.stéps=5", "oip.stéps=5: takes the form setting=value"),
        ("oip.steps==1", "oip.steps: takes a whole number; got =1; cannot be read"),
        ("oip.steps =5", "oip.steps =5: cannot be read; write oip.steps=5"),
        (" oip.steps=5", " oip.steps=5: cannot be read; write oip.steps=5"),
        ("oip.steps=1,2", "oip.steps: takes a whole number; got 1,2; several values are a sweep, with -m"),
        ("oip.step=a=b", "oip.step: no such setting; did you mean oip.steps"),
        ("oip.steps=", "oip.steps: takes a whole number; got "),
        ("oip.steps='${oip'", "oip.steps: takes a whole number; got '${oip': ${ without a name and its }"),
        ("noise=long,short", "noise: takes the name of one of its files; got long,short; several values are a sweep"),
        ("noise=long=2", "noise: takes the name of one of its files; got long=2; cannot be read"),
        ("experiment=a=b", "experiment: takes the name of one of its files; got a=b; cannot be read"),
        ("~oip", "~oip: every group of settings is needed; oip=NAME takes another file of it"),
        ("~experiment", "~experiment: there is none unless experiment=NAME asks for it"),
        ("~oip.steps", "~oip.steps: every setting is needed; oip.steps=VALUE changes it"),
        ("~stages", "~stages: every setting is needed"),
        ("~hydra", "~hydra: every setting is needed"),
        ("~hydra/launcher", "~hydra/launcher: every setting is needed"),
        ("~oip.step", "oip.step: no such setting; did you mean"),
    ],
)
def test_a_word_that_no_quotes_mend_is_refused_with_what_is_taken(word: str, said: str) -> None:
    assert refusal(checked, ["--cfg", "job", word]).startswith(f"{said}")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("oip.map_indices=1,2", [1, 2]),
        ("oip.map_indices=5", [5]),
        ("oip.map_indices=[1,2", [1, 2]),
        ("stages=oip", ["oip"]),
        ("stages=oip,dream", ["oip", "dream"]),
        ("data.class_names=[a=b,c]", ["a=b", "c"]),
        ("data.class_names=[Kätzchen (1),Hund]", ["Kätzchen (1)", "Hund"]),
        ("data.class_names=Kätzchen", ["Kätzchen"]),
    ],
)
def test_a_list_is_told_as_it_has_to_be_written(word: str, meant: list[object]) -> None:
    word = advised(refusal(checked, [spelled(word)]))
    assert value_of(word) == meant
    checked([word])


def test_values_of_a_sweep_are_quoted_one_by_one() -> None:
    checked(["-m", "dream.photo=a.jpg,b.jpg"])
    for word in ("dream.photo=Rosé.jpg,#2.jpg", "dream.photo=Rosé.jpg , #2.jpg"):
        assert values_of(OverridesParser.create().parse_override(spelled(word, is_sweep=True))) == [
            "Rosé.jpg",
            "#2.jpg",
        ]
    word = advised(refusal(checked, ["-m", "dream.photo=a=1.jpg,b.jpg"]))
    assert values_of(OverridesParser.create().parse_override(word)) == ["a=1.jpg", "b.jpg"]
    # what is quoted is checked, too
    checked(["-m", 'dream.photo="a b.jpg","c,d.jpg"'])
    assert refusal(checked, ["-m", 'oip.steps="a","b"']).startswith("oip.steps: takes a whole number; got a")
    # one job alone has one name
    assert advised(refusal(checked, [spelled("dream.photo=Rosé.jpg,b.jpg")])) == 'dream.photo="Rosé.jpg,b.jpg"'


def test_lists_of_texts_in_any_language_are_taken(compose) -> None:
    config = compose("data=npz", "data.path=Bilder für #1", "data.class_names=[Kätzchen,'Hund',犬]")
    assert config.data.path == "Bilder für #1"
    assert config.data.class_names == ["Kätzchen", "Hund", "犬"]


def test_from_python_the_word_is_quoted_for_python(compose) -> None:
    said = refusal(compose, "dream.photo=it's,mine")
    word = ast.literal_eval(said.partition("; write ")[2])
    assert compose(word).dream.photo == "it's,mine"


def test_quotes_and_brackets_that_hydra_reads_are_left_alone() -> None:
    for word in (
        "dream.photo='é'",
        'dream.photo="a=b"',
        "oip.map_indices=[1, 2]",
        "dream.photo=a\\,b",
        "oip.steps=1e3",
    ):
        assert spelled(word) == word
    assert spelled("oip.quality.jitter={shift:2,rotation:5}") == "oip.quality.jitter={shift:2,rotation:5}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hydra/launcher=null"], "hydra/launcher: takes one of basic, "),
        (["hydra/job_logging=null"], "hydra/job_logging: takes one of default, disabled, none, "),
        (["hydra/output=null"], "hydra/output: takes one of default; got null"),
        (["-m", "hydra/sweeper=null"], "hydra/sweeper: takes one of basic"),
        (["hydra=null"], "hydra: takes nothing by itself; its settings are named hydra.run.dir, "),
        (["hydra=3"], "hydra: takes nothing by itself; its settings are named hydra.run.dir, "),
        (["oip=[]"], "oip: takes one of article, coarse_to_fine, default, "),
        (["experiment=[]"], "experiment: takes one of "),
        (["data=[digits,3]"], "data: takes one of "),
        (["tracking=null"], "tracking: takes one of local, none, server; got null"),
    ],
    ids=str,
)
def test_a_group_takes_one_of_its_files(words: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(words)
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith(words[-1].partition("=")[2].replace("[digits,3]", "3"))

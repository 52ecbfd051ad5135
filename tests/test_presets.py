"""Settings of one's own in files: found wherever those of conf/ are; what is wrong in one, in a line that names it."""

import re
import shutil
from pathlib import Path

import pytest
from commands import ROOT, module, pipeline, succeeded
from hydra.types import RunMode
from users import ordinary_user

from pipeline import compose
from pipeline.engine.provenance import naming_own_settings
from pipeline.runtime.errors import InputError
from pipeline.settings.compose import check_overrides, wrong_file
from pipeline.settings.preset_check import check_files
from pipeline.settings.preset_file import text_of
from pipeline.settings.presets import CONF, Presets, prefer_conf

OIP, SMOKE = "defaults: [default, _self_]\n", "# @package _global_\n"
PAGE = (ROOT / "docs" / "own_settings.md").read_text(encoding="utf-8")


def written(folder: Path, files: dict[str, str | bytes]) -> Path:
    """The folder with these files in it, by their names with their groups."""
    for name, content in files.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `mine`, here, with a choice of OIPs, one that begins as it, and two experiments."""
    monkeypatch.chdir(tmp_path)
    files: dict[str, str | bytes] = {
        "oip/mine": f"{OIP}steps: 7\n",
        "oip/old/mine": f"{OIP}steps: 9\n",
        "oip/after": "defaults: [mine, _self_]\nstarts: 2\n",
        "experiment/mine": f"{SMOKE}defaults:\n  - override /oip: after\n  - override /noise: long\nseed: 3\n",
        "experiment/more": f"{SMOKE}defaults: [smoke, override /oip: mine, _self_]\nseed: 4\n",
        "data/few": "defaults: [digits, _self_]\nlimit: 30\n",
        "noise/three": "defaults: [mixed, _self_]\nwavelengths: [3]\n",
        "style/five": f"{SMOKE}seed: 5\n",
        "hydra/launcher/one": "defaults: [joblib, _self_]\nn_jobs: 1\n",
        "my": "defaults: [config, override hydra/launcher: one, _self_]\nseed: 6\nhydra: {job: {name: my}}\n",
    }
    return written(tmp_path / "mine", files)


def refused(*arguments: str) -> str:
    """The line in which a command line is refused."""
    with pytest.raises(InputError) as caught:
        check_overrides(Presets.of_command(arguments))
    return str(caught.value)


# where they are found -------------------------------------------------------------------------------------------------


def test_python_takes_files_of_its_own_too(mine: Path) -> None:
    config = compose("experiment=mine", config_dir="mine")
    assert (config.oip.steps, config.oip.starts, config.seed, config.noise.wavelengths) == (7, 2, 3, [3, 7])
    # after what it begins as, and its choices before those
    config = compose("experiment=more", config_dir=mine)
    assert (config.oip.steps, config.seed, config.data.limit, config.oip.map_indices) == (10, 4, 200, [0, 56, 127])
    config = compose("oip=old/mine", "data=few", "noise=three", "+style=five", config_dir=mine)
    assert (config.oip.steps, config.data.limit, config.noise.wavelengths, config.seed) == (9, 30, [3], 5)
    assert compose("oip=mine", "hydra.searchpath=[file://mine]") == compose("oip=mine", config_dir=mine)
    with pytest.raises(InputError, match=r"^config_dir: takes a folder with files of settings; got .*, which is not"):
        compose(config_dir="elsewhere")


@pytest.mark.parametrize("where", [["--config-dir", "mine"], ["--config-dir=mine"], ["-cd", "mine"], ["-cd=mine"], []])
@pytest.mark.parametrize(
    "words",
    [
        ["experiment=mine,smoke"], ["oip=mine,smooth"], ["oip=choice(mine,old/mine)"], ["oip=glob(*)"],
        ["experiment=mine,more", "oip=mine,article"], ["oip=[default,mine]"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_sweep_takes_them_beside_those_of_conf(mine: Path, where: list[str], words: list[str]) -> None:
    where = where or ["hydra.searchpath=[file://elsewhere,mine]"]
    (mine.parent / "elsewhere").mkdir()
    check_overrides(Presets.of_command(["-m", *where, *words]))


def test_what_glob_means_is_known_before_the_jobs_begin(mine: Path) -> None:
    for arguments in (["-cd", "mine"], ["hydra.searchpath=[mine]"]):
        (override,) = Presets.of_command(["-m", *arguments, "oip=glob(m*)"]).overrides()[-1:]
        assert list(override.sweep_iterator()) == ["maco", "mine"]


def test_a_file_of_ones_own_may_be_where_a_command_begins(mine: Path) -> None:
    check_overrides(presets := Presets.of_command(["-cd", "mine", "--config-name", "my"]))
    prefer_conf()
    composed = presets.loader.load_configuration("my", [], RunMode.RUN)
    assert (composed.seed, composed.oip.steps, composed.hydra.launcher.n_jobs) == (6, compose().oip.steps, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "-cd", "mine", "oip=mine,nope"], "oip: takes one of after, article, coarse_to_fine, default, diverse,"),
        (["-cd", "mine", "+style=six"], "style: takes one of five; got six"),
        (["-cd", "nope"], "--config-dir: takes a folder with files of settings; got nope, which is not there"),
        (["-cd", "mine/my.yaml"], "--config-dir: takes a folder with files of settings; got mine/my.yaml, which is a "),
        (["-cd", " "], "--config-dir: takes a folder with files of settings; got nothing"),
        (["-cd", "mine", "-cd", "other"], "--config-dir: takes one folder; several are named by 'hydra.searchpath=[fi"),
        (["--config-name", "my"], "--config-name: takes the name of a file, without .yaml: config; got my"),
        (["-cd", "mine", "-cn", "your"], "--config-name: takes the name of a file, without .yaml: config, my; got you"),
        (["--config-path", "mine"], "--config-path: takes the absolute path of a folder that stands for conf/; got mi"),
        (["hydra.searchpath=[file://nope]"], "hydra.searchpath: takes folders that are there; got file://nope"),
        (["hydra.searchpath=mine"], "hydra.searchpath: takes a list of folders, [file://mine]; got mine"),
        (["hydra.searchpath=[http://x]"], "hydra.searchpath: takes a list of folders, [file://mine]; got [http://x]"),
        (["-cd", "mine", "+experiment=mine"], "+experiment=mine: takes no plus; experiment=mine takes another file of"),
        (["++oip=smooth"], "++oip=smooth: takes no plus; oip=smooth takes another file of the group"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_there_is_refused(mine: Path, arguments: list[str], said: str) -> None:
    assert refused(*arguments).startswith(said)


@pytest.mark.parametrize("where", [["-cd", "mine"], ["hydra.searchpath=[file://mine]"]], ids=str)
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("dream.photo=a=b.jpg", "dream.photo=a=b.jpg: special characters need quotes; write "),
        ("oip.steps=[1", "oip.steps: takes a whole number; got [1; "),
        ("experiment=a=b", "experiment: takes the name of one of its files; got a=b; "),
        ("word", "word: takes the form setting=value, such as dream.photo=rose.jpg"),
    ],
)
def test_a_word_that_cannot_be_read_is_told_with_files_of_ones_own_too(
    mine: Path, where: list[str], word: str, said: str
) -> None:
    assert refused(*where, "experiment=mine", word).startswith(said)
    assert refused("-m", *where, "experiment=mine", word).startswith(said)
    if word == "oip.steps=[1":
        with pytest.raises(InputError, match=re.escape(said)):
            compose(word, config_dir=mine)


def test_the_command_that_repeats_a_run_says_where_they_are() -> None:
    words = ["mnist-dream", "-cd", "mine", "-m", "--config-name=my", "hydra.searchpath=[a]", "oip=mine"]
    assert naming_own_settings(words) == ["-cd", "mine", "--config-name=my", "hydra.searchpath=[a]"]


def test_a_group_of_ones_own_is_added(mine: Path) -> None:
    with pytest.raises(InputError, match=r"^style: takes a plus before it, as nothing has chosen a file of this group"):
        compose("style=five", config_dir=mine)


def test_a_file_that_conf_hides_is_refused_where_it_would_be_taken(mine: Path) -> None:
    written(mine, {"oip/smooth": f"{OIP}steps: 3\n", "noise/mixed": "kind: pixels\n"})
    shutil.copy(CONF / "oip" / "default.yaml", mine / "oip")
    said = "takes a name that no file of conf/ has, as that one is taken and not this; got"
    assert refused("-m", "-cd", "mine", "oip=mine,smooth", "noise=long") == f"mine/oip/smooth.yaml: {said} oip/smooth"
    assert refused("-cd", "mine") == f"mine/noise/mixed.yaml: {said} noise/mixed"
    check_overrides(Presets.of_command(["-cd", "mine", "noise=long"]))


# what is wrong in one -------------------------------------------------------------------------------------------------

GLOBAL = "takes # @package _global_ in its first line, as it has settings of several groups"
NO_SETTINGS = "takes settings by their names, such as seed: 1"
WRONG: dict[str, tuple[str, str | bytes, str]] = {
    "unknown key": ("oip/x", f"{OIP}step: 3\n", ": oip.step: no such setting; did you mean oip.steps or oip.step_size"),
    "unknown key below": ("oip/x", f"{OIP}quality: {{ltwo: 3}}\n", ": oip.quality.ltwo: no such setting; "),
    "dotted": ("experiment/x", f"{SMOKE}oip.steps: 3\n", ": oip.steps: takes nesting in a file, oip: {steps: 3}; got"),
    "dotted below": ("oip/x", f"{OIP}quality.l2: 3\n", ": oip.quality.l2: takes nesting in a file, quality: {l2: 3}; "),
    "dotted, of Hydra": ("experiment/x", f"{SMOKE}hydra.job.name: x\n", ": hydra.job.name: takes nesting in a file, "),
    "unknown group": ("experiment/x", f"{SMOKE}oips: {{steps: 3}}\n", ": oips: no such setting; did you mean oip or n"),
    "wrong type": ("oip/x", f"{OIP}steps: many\n", ": oip.steps: takes a whole number; got many"),
    "out of range": ("oip/x", f"{OIP}steps: -3\n", ": oip.steps: takes a whole number of at least 1; got -3"),
    "range, by an experiment": ("experiment/x", f"{SMOKE}oip: {{steps: 0}}\n", ": oip.steps: takes a whole number of "),
    "not one of": ("oip/x", f"{OIP}objective: loss\n", ": oip.objective: takes one of activation, pre_activation, l2;"),
    "value for a group": ("oip/x", f"{OIP}quality: 3\n", ": oip.quality: takes a group with total_variation, l2, "),
    "nothing for a group": ("oip/x", f"{OIP}quality:\nsteps: 3\n", ": oip.quality: takes a group with total_variation"),
    "value for a layer": ("model/x", "defaults: [article, _self_]\nconvolutions: {A: 3}\n", ": model.convolutions.A: "),
    "choice as a value": ("experiment/x", f"{SMOKE}oip: smooth\n", ": oip: takes settings; a file of the group is nam"),
    "list": ("oip/x", "- steps\n- 3\n", f": {NO_SETTINGS}; got a list"),
    "bare text": ("oip/x", "steps\n", f": {NO_SETTINGS}; got 'steps'"),
    "nothing": ("experiment/x", "", f": {NO_SETTINGS}; got nothing"),
    "comments alone": ("experiment/x", SMOKE, f": {NO_SETTINGS}; got nothing"),
    "no package": ("experiment/x", "oip: {steps: 3}\n", f": {GLOBAL}; got none there"),
    "package below": ("experiment/x", f"# Mine\n{SMOKE}oip: {{steps: 3}}\n", f": {GLOBAL}; got it further down"),
    "other package": ("experiment/x", "# @package global\nseed: 3\n", f": {GLOBAL}; got # @package global"),
    "half a package": ("oip/x", f"# @package\n{OIP}", ": Expected header format: KEY VALUE, got '@package'"),
    "global choice": ("oip/x", f"{SMOKE}{OIP}oip: {{steps: 3}}\n", ": defaults: takes files whose settings go where t"),
    "byte order mark": ("oip/x", b"\xef\xbb\xbf" + OIP.encode(), ": takes text without a byte order mark; got one at "),
    "Latin-1": ("oip/x", b"# first\n# gr\xf6\xdfer\n", ": takes text in UTF-8; got the byte 0xf6 in line 2"),
    "zero byte": ("oip/x", b"steps: \x00\n", ": no YAML: "),
    "tab": ("oip/x", "steps:\n\t3\n", ", line 2: no YAML: a tab, where YAML takes spaces"),
    "open bracket": ("oip/x", "steps: 3\nlayers: [1\nseed: 3\n", ", line 3: no YAML: expected ',' or ']', but got ':'"),
    "key twice": ("oip/x", f"{OIP}steps: 3\nsteps: 4\n", ", line 3: no YAML: found duplicate key steps"),
    "code": ("oip/x", "steps: !!python/object/apply:os.getcwd []\n", ", line 1: no YAML: could not determine a constr"),
    "no number": ("experiment/x", f"{SMOKE}seed: !!int abc\n", ": no YAML: a value that cannot be read: invalid lit"),
    "no float": ("experiment/x", f"{SMOKE}seed: !!float x\n", ": no YAML: a value that cannot be read: could not c"),
    "no date": ("experiment/x", f"{SMOKE}seed: !!timestamp 2020-13-45\n", ": no YAML: a value that cannot be read: "),
    "no bool": ("experiment/x", f"{SMOKE}reuse: !!bool maybe\n", ": no YAML: a value that cannot be read: 'maybe'"),
    "no binary number": ("experiment/x", f"{SMOKE}seed: 0b_\n", ": no YAML: a value that cannot be read: invalid"),
    "too long": ("experiment/x", f"{SMOKE}seed: {'1' * 5000}\n", ": no YAML: a value that cannot be read: Exceeds"),
    "in itself": ("experiment/x", f"{SMOKE}a: &a [*a]\n", ": takes settings that are nested less deeply, and none w"),
    "deep": ("experiment/x", f"{SMOKE}oip: {'{a: ' * 2000}3{'}' * 2000}\n", ": takes settings that are nested less"),
    "not too deep": ("experiment/x", f"{SMOKE}oip: {'{a: ' * 70}3{'}' * 70}\n", ": oip.a: no such setting; "),
    "the first file": ("experiment/x", f"{SMOKE}defaults: [/config]\n", ": defaults: takes files of groups; got"),
    "defaults as a text": ("oip/x", "defaults: default\n", ": Invalid defaults list in 'oip/x', defaults must be a li"),
    "two in one default": ("oip/x", "defaults: [{a: b, c: d}]\n", ": In oip/x: Too many keys in default item"),
    "default not there": ("oip/x", "defaults: [nope, _self_]\n", ": defaults: takes a file of oip: after, article, c"),
    "override not there": ("experiment/x", f"{SMOKE}defaults: [override /oip: nope]\n", ": defaults: takes a file of "),
    "group not there": ("experiment/x", f"{SMOKE}defaults: [override /iop: nope]\n", ": defaults: takes files that ar"),
    "no slash": ("experiment/x", f"{SMOKE}defaults: [override oip: smooth]\n", ": defaults: takes a slash before the "),
    "no override": ("experiment/x", f"{SMOKE}defaults: [/oip: smooth]\n", ": defaults: takes override /oip: smooth, a"),
    "itself": ("oip/x", "defaults: [x, _self_]\n", ": defaults: takes other files; got oip/x, which would be part of "),
    "in two places": ("oip/x", "defaults: [/oip/default, _self_]\n", ": defaults: takes files whose settings go where"),
    "not all settings": ("oip/x", "steps: 3\n", ": oip.layer: has to be given; takes a text; defaults: [default, _sel"),
    "reference to nothing": ("oip/x", f"{OIP}steps: ${{nothing.there}}\n", ": oip.steps: takes a whole number; got ${"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), list(WRONG.values()), ids=list(WRONG))
def test_what_is_wrong_in_a_file_is_said_with_its_name(mine: Path, name: str, content: str | bytes, said: str) -> None:
    written(mine, {name: content})
    with pytest.raises(InputError) as caught:
        compose(f"{name.replace('/', '=')}", config_dir="mine")
    assert str(caught.value).startswith(f"mine/{name}.yaml{said}")
    assert "\n" not in str(caught.value)


def test_it_is_said_of_a_file_that_another_one_names_and_of_each_of_a_sweep(mine: Path) -> None:
    written(mine, {"oip/mine": f"{OIP}step: 3\n"})
    said = "mine/oip/mine.yaml: oip.step: no such setting; did you mean oip.steps or oip.step_size or oip.zero_steps?"
    assert refused("-cd", "mine", "experiment=mine") == said
    assert refused("-m", "-cd", "mine", "experiment=smoke,mine", "seed=1,2") == said
    assert refused("-m", "hydra.searchpath=[mine]", "oip=glob(*)") == said
    for content, told in (
        (b"\xef\xbb\xbf", ": takes text without a byte"),
        (b"# @package\n", ": Expected header format"),
    ):
        written(mine, {"oip/mine": content + OIP.encode()})
        assert refused("-cd", "mine", "experiment=mine").startswith(f"mine/oip/mine.yaml{told}")
    written(mine, {"my": "defaults: [config, _self_]\noip.steps: 3\n"})
    assert refused("-m", "-cd", "mine", "-cn", "my").startswith(
        "mine/my.yaml: oip.steps: takes nesting in a file, oip:"
    )
    written(mine, {"my": "defaults: [config, _self_]\nsed: 3\n"})
    assert (
        refused("-cd", "mine", "-cn", "my")
        == "mine/my.yaml: sed: no such setting; did you mean seed or reuse or noise?"
    )


def test_a_folder_is_no_file(mine: Path) -> None:
    (mine / "oip" / "folder.yaml").mkdir()
    assert refused("-cd", "mine", "oip=folder").startswith("oip: takes one of after, article, ")
    (mine / "oip" / "other.yml").touch()
    assert refused("-cd", "mine", "oip=other") == "mine/oip/other.yml: takes a name that ends in .yaml; got other.yml"


def test_a_file_that_may_not_be_read_is_named(mine: Path) -> None:
    (file := mine / "oip" / "mine.yaml").chmod(0)
    with ordinary_user(), pytest.raises(InputError) as caught:
        text_of(file)
    assert str(caught.value).endswith("mine.yaml: cannot be read: Permission denied")


def test_what_the_command_line_says_is_not_blamed_on_a_file(mine: Path) -> None:
    for word in ("oip.steps=-1", "oip.steps=${nothing}"):
        with pytest.raises(InputError, match=r"^oip\.steps: "):
            compose("oip=mine", word, config_dir=mine)


@pytest.mark.parametrize(
    ("name", "content", "said"), [WRONG[name] for name in ("unknown key", "Latin-1", "tab", "itself")]
)
def test_it_is_said_of_a_file_of_conf_too(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    written(tmp_path / "conf", {name: content})
    arguments = ["--config-path", str(tmp_path / "conf"), f"{name.replace('/', '=')}"]
    wrong = wrong_file(Presets.of_command(arguments))
    assert str(wrong).startswith(f"{tmp_path}/conf/{name}.yaml{said}")


def test_nothing_is_wrong_in_any_file_of_conf() -> None:
    groups: dict[str, list[str]] = {}
    for file in CONF.glob("*/**/*.yaml"):
        groups.setdefault(file.parent.relative_to(CONF).as_posix(), []).append(file.stem)
    words = [f"{group}={','.join(sorted(names))}" for group, names in groups.items()]
    assert {*CONF.rglob("*.yaml")} - {CONF / "config.yaml"} == {*check_files(Presets(words), conf=True, words=True)}
    assert CONF / "config.yaml" in check_files(Presets(), conf=True)


# the page about them --------------------------------------------------------------------------------------------------


def of_page(folder: Path) -> Path:
    """The files that the page shows, in a folder."""
    files = re.findall(
        r"`mine/([\w/]+)\.yaml`[^`]*\n\n```yaml\n(.*?)```", PAGE.replace("`oip`", "").replace("`smooth`", ""), re.S
    )
    assert [name for name, _ in files] == ["oip/strokes", "experiment/strokes", "data/moths", "noise/fine"]
    return written(folder / "mine", dict(files))


def test_the_commands_of_the_page_are_composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    of_page(tmp_path)
    config = compose("experiment=strokes", config_dir="mine")
    assert (config.oip.steps, config.oip.quality.total_variation, config.oip.quality.frequency_decay) == (96, 0.3, 0.5)
    assert (config.oip.map_indices, config.noise.wavelengths, config.stages) == ([0, 56], [3, 7], ["oip"])
    config = compose("data=moths", "noise=fine", config_dir="mine")
    assert (config.data.path, config.data.epochs, config.noise.wavelengths) == (str(Path.home() / "moths.npz"), 12, [3])
    commands = re.findall(r"^    mnist-dream (.*--config-dir mine .*?)(?:  +#.*)?$", PAGE, re.M)
    assert len(commands) == 5
    for command in commands:
        check_overrides(Presets.of_command([word.strip("'") for word in command.split()]))
    said = [line.strip() for line in PAGE.splitlines() if line.startswith("    mine/")]
    for change, line in zip(("steps: 96\nstep: 3", "steps: many", "steps:\n\t96"), said, strict=True):
        file = tmp_path / "mine" / "oip" / "strokes.yaml"
        file.write_text(file.read_text().replace("steps: 96", change))
        assert refused("-cd", "mine", "experiment=strokes") == line
        of_page(tmp_path)


@pytest.mark.slow
def test_a_sweep_of_them_is_resumed_and_rerun_from_its_record(tmp_path: Path) -> None:
    written(of_page(tmp_path), {"oip/strange": "defaults: [strokes, _self_]\nsteps: -1\n"})
    words = ["experiment=strokes", "oip=glob(st*)", "stages=[train]", "data.limit=60", "train.epochs=1"]
    done = pipeline(tmp_path, "-m", "--config-dir", "mine", *words, "tracking=none", "hydra.sweep.dir=sweep")
    assert done.returncode == 1
    assert "mine/oip/strange.yaml: oip.steps: takes a whole number of at least 1; got -1" in done.stderr
    assert "total_variation: 0.3" in (tmp_path / "sweep" / "1" / "train" / "config.yaml").read_text()
    written(tmp_path / "mine", {"oip/strange": "defaults: [strokes, _self_]\nsteps: 3\n"})
    resumed = module(tmp_path, "pipeline.resume", "sweep")
    assert "1 of 2 jobs are finished" in succeeded(resumed)
    assert "files with settings have changed since; the rest follows today's" in resumed.stderr

    shutil.rmtree(tmp_path / "mine")
    again = succeeded(module(tmp_path, "pipeline.rerun", "sweep/1/train", "--output-dir", "again"))
    assert "bit-identical" in again
    refused = module(tmp_path, "pipeline.resume", "sweep")
    assert (refused.returncode, refused.stderr) == (
        2, "mnist-dream: --config-dir: takes a folder with files of settings; got mine, which is not there\n"
    )  # fmt: skip

"""The files with settings that a command finds: those of conf/, and those in folders of the user's own."""

import functools
import warnings
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from pipeline.runtime.errors import InputError
from pipeline.runtime.output import shown
from pipeline.settings import preset_file
from pipeline.settings.config import Config

PACKAGE = Path(__file__).parent.parent
# conf/ beside the package in a checkout, inside it when installed
CONF = next(folder for folder in (PACKAGE.parent / "conf", PACKAGE / "conf") if (folder / "config.yaml").is_file())
MAIN = "config"
# The entry of its defaults that stands for the types of the settings.
TYPES = "schema.yaml"
# Whose rules Hydra follows.
VERSION_BASE = "1.3"
# Where Hydra looks for the files of others: its own, conf/ (or what --config-path says), the types.
HYDRA, OF_CONF, SCHEMA = "hydra", "main", "schema"
SEARCH_PATH = "hydra.searchpath"


class Presets:
    """The files with settings that a command finds.

    Of files with the same name the first one counts: conf/ comes before the folders of the user's own, and of these
    those of --config-dir before those of hydra.searchpath.
    """

    def __init__(
        self,
        words: Sequence[str] = (),
        *,
        folders: Sequence[Path] = (),
        main: str = str(CONF),
        name: str = MAIN,
        is_sweep: bool = False,
    ) -> None:
        """Look for files.

        Args:
            words: of the command, as far as they are setting=value.
            folders: of the user's own.
            main: the folder that stands for conf/.
            name: of the file there with which a composition begins.
            is_sweep: whether several values of a word are as many jobs.
        """
        know_types()
        path = create_config_search_path(main)
        for folder in folders:
            path.prepend(provider="command-line", path=f"file://{folder}", anchor=SearchPathQuery(provider=SCHEMA))
        self.loader = ConfigLoaderImpl(config_search_path=path)
        self.words, self.name, self.main = list(words), name, Path(main)
        self.is_sweep, self._folders = is_sweep, folders
        self._searched = [word for word in words if word.strip().lstrip("+").startswith(SEARCH_PATH)]
        self.has_own = bool(folders or self._searched) or (main, name) != (str(CONF), MAIN)

    @classmethod
    def of_command(cls, arguments: Sequence[str]) -> "Presets":
        """Return those of a command line.

        Raises:
            InputError: a folder that is not there.
        """
        version.setbase(VERSION_BASE)
        parser = ArgumentParser(parents=[get_args_parser()], conflict_handler="resolve", add_help=False)
        # to see all of them, of which Hydra would take the last one
        parser.add_argument("--config-dir", "-cd", action="append", default=[])
        given = parser.parse_known_args(arguments)[0]
        if len(given.config_dir) > 1:
            takes = f"one folder; several are named by '{SEARCH_PATH}=[file://ONE,file://ANOTHER]'"
            raise InputError.at("--config-dir", takes=takes, got=" and ".join(given.config_dir))
        main = str(CONF)
        if given.config_path is not None and not given.config_path.startswith("pkg://"):
            main = given.config_path
            takes = "the absolute path of a folder that stands for conf/"
            if not Path(main).is_absolute():
                raise InputError.at("--config-path", takes=takes, got=main)
            check_folder("--config-path", main, takes)
        for folder in given.config_dir:
            check_folder("--config-dir", folder)
        folders = [Path(folder).absolute() for folder in given.config_dir]
        is_sweep = given.multirun or f"hydra.mode={RunMode.MULTIRUN.name}" in given.overrides
        return cls(given.overrides, folders=folders, main=main, name=given.config_name or MAIN, is_sweep=is_sweep)

    @classmethod
    def of_job(cls, hydra_config: DictConfig) -> "Presets":
        """Return those of a job, by what Hydra says of it."""
        sources = [(source.provider, source.path) for source in hydra_config.runtime.config_sources]
        main = next(path for provider, path in sources if provider == OF_CONF)
        folders = [Path(path) for provider, path in sources if provider not in (HYDRA, OF_CONF, SCHEMA)]
        # not resolved: ${..seed} is relative to a setting, and not to a list of words
        given: Any = OmegaConf.to_container(hydra_config.overrides.task, resolve=False)
        words = [word for word in given if not word.startswith(SEARCH_PATH)]
        return cls(words, folders=folders, main=main, name=hydra_config.job.config_name)

    def of_sweep(self, words: Sequence[str]) -> "Presets":
        """Return the files that are found from here by other words, those of a sweep."""
        return Presets(
            [*self._searched, *words], folders=self._folders, main=str(self.main), name=self.name, is_sweep=True
        )

    def choices(self, group: str) -> list[str]:
        """Return the names of the files of a group."""
        names: list[str] = self.files.get_group_options(group, ObjectType.CONFIG)
        return names

    def has(self, group: str, name: str) -> bool:
        """Tell whether a group has a file of this name."""
        return bool(name) and bool(self.files.config_exists(f"{group}/{name}"))

    def check_ending(self, group: str, name: str) -> None:
        """Refuse a file of a group that ends in .yml, which Hydra does not see."""
        for source in self.files.get_sources():
            if source.scheme() == "file" and (file := Path(source.path, group, f"{name}.yml")).is_file():
                raise InputError.at(str(shown(file)), takes="a name that ends in .yaml", got=file.name)

    def is_group(self, name: str) -> bool:
        """Tell whether there are files of this group."""
        return bool(name) and bool(self.files.group_exists(name))

    def compose(self) -> DictConfig:
        """Return what Hydra composes of them, without what concerns itself."""
        composed = self.loader.load_configuration(self.name, self.words, RunMode.RUN, from_shell=False)
        with open_dict(composed):
            del composed["hydra"]
        return composed

    @functools.cached_property
    def files(self) -> Any:
        """Return Hydra's view of all folders, those of hydra.searchpath included."""
        if not self.has_own:
            return self.loader.repository
        self.check_primary()
        with warnings.catch_warnings():
            # of folders that are not there, which are refused
            warnings.simplefilter("ignore")
            try:
                # what is wrong with other words is not told as wrong with this one
                _, files = self.loader._parse_overrides_and_create_caching_repo(self.name, self._searched)
            except (HydraException, ValueError) as error:
                takes = "a list of folders, [file://mine]"
                got = str(error).partition("Got: ")[2] or next(iter(self._searched), str(error).splitlines()[0])
                raise InputError.at(SEARCH_PATH, takes=takes, got=got.partition("=")[2] or got) from error
        for source in files.get_sources():
            if not source.available():
                raise InputError.at(SEARCH_PATH, takes="folders that are there", got=source.full_path())
        return files

    def overrides(self) -> list[Override]:
        """Return the words as Hydra reads them."""
        return list(OverridesParser.create(config_loader=self.files).parse_overrides(self.words))

    def check_primary(self) -> None:
        """Refuse the name of a file that is not there, or a file that Hydra could not read."""
        files = self.loader.repository
        if not files.config_exists(self.name):
            sources = [source for source in files.get_sources() if source.provider not in (HYDRA, SCHEMA)]
            names = {name for source in sources for name in source.list("", ObjectType.CONFIG)}
            takes = f"the name of a file, without .yaml: {', '.join(sorted(names))}"
            raise InputError.at("--config-name", takes=takes, got=self.name)
        source = files._find_object_source(self.name, ObjectType.CONFIG)
        if source.scheme() == "file":
            preset_file.settings_of(file_of(source, self.name))

    def own_file(self, path: str, *, conf: bool = False) -> Path | None:
        """Return a file of the user's own by its name with its group; None for one of others.

        Args:
            conf: take those of conf/ for the user's own, who may have changed them.
        """
        source = next((source for source in self.files.get_sources() if source.is_config(path)), None)
        others = (HYDRA, SCHEMA) if conf else (HYDRA, SCHEMA, OF_CONF)
        if source is None or source.provider in others or source.scheme() != "file":
            return None
        return file_of(source, path)


def know_types() -> None:
    """Tell Hydra of the types of the settings, once in a process."""
    store = ConfigStore.instance()
    if TYPES not in store.repo:
        store.store(name=TYPES, node=Config)


def prefer_conf() -> None:
    """Forget what the launchers' and sweepers' plugins say of themselves wherever conf/hydra has a file of that name:
    Hydra would make the file fit the plugin's schema, and refuse it where that has a list of defaults."""
    Plugins.instance()  # which reads the plugins
    plugins = ConfigStore.instance().repo["hydra"]
    for file in (CONF / "hydra").glob("*/*.yaml"):
        plugins.get(file.parent.name, {}).pop(file.name, None)


def file_of(source: Any, path: str) -> Path:
    """Return the file of a folder by its name with its group."""
    return Path(source.path, path if path.endswith(".yaml") else f"{path}.yaml")


def check_folder(option: str, folder: str, takes: str = "a folder with files of settings") -> None:
    """Refuse a folder that is not there."""
    if not folder.strip():
        raise InputError.at(option, takes=takes, got="nothing")
    path = Path(folder)
    if not path.is_dir():
        raise InputError.at(option, takes=takes, got=f"{folder}, which is {'a file' if path.exists() else 'not there'}")

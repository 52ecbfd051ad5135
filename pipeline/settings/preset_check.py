"""What is wrong with the files of settings that a command names, or that such files name, in one line."""

import copy
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.default_element import ConfigDefault, GroupDefault
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode

from pipeline.runtime.errors import InputError
from pipeline.runtime.output import shown
from pipeline.settings import preset_file, schema
from pipeline.settings.presets import MAIN, OF_CONF, Presets, file_of
from pipeline.settings.words import names_of


def check_files(presets: Presets, *, conf: bool = False, words: bool = False) -> list[Path]:
    """Refuse a file that cannot be used, of those that would be composed in some job; return what was looked at.

    Args:
        conf: look at the files of conf/ too, which anyone may have changed; else at the user's own alone.
        words: look at those alone that the words name, and that these name.
    Raises:
        InputError: of the first one.
    """
    presets.check_primary()
    overrides = list(presets.overrides())
    walk = _Walk(presets, conf=conf, chosen={override.key_or_group for override in overrides})
    if not words:
        walk.look_at(ConfigDefault(path=presets.name, primary=True))
    for override in overrides:
        if presets.is_group(override.key_or_group):
            for name in _names(override):
                walk.look_at(GroupDefault(group=override.key_or_group, value=name, package=override.package))
    return list(dict.fromkeys(walk.files))


def blamed(presets: Presets, error: InputError) -> InputError:
    """Return what is wrong with a setting, with the user's own file that gives its value, if one does."""
    found = re.match(r"([a-z_]+(?:\.\w+)*): ", str(error))
    if found is None or not presets.has_own:
        return error
    key = found[1]
    try:
        if any(_gives(override, key) for override in presets.overrides()):
            return error
    except HydraException:
        # of words that cannot be read, which is what is wrong
        return error
    defaults = presets.loader.compute_defaults_list(presets.name, presets.words, RunMode.RUN).defaults
    for default in reversed(defaults):
        file, package = presets.own_file(default.config_path), default.package or ""
        if file is None:
            continue
        if preset_file.sets(preset_file.settings_of(file), package, key):
            return InputError(f"{shown(file)}: {error}")
        if package and key.startswith(f"{package}.") and "has to be given" in str(error):
            return InputError(f"{shown(file)}: {error}; defaults: [default, _self_] would take it from default.yaml")
    return error


class _Walk:
    """A way through the files that would be composed."""

    def __init__(self, presets: Presets, *, conf: bool, chosen: set[str]) -> None:
        """Begin it.

        Args:
            chosen: the groups of which the words choose a file.
        """
        self._presets, self._conf, self._chosen = presets, conf, chosen
        self._contents: dict[str, dict[str, Any]] = {}
        self.files: list[Path] = []

    def look_at(self, default: Any, group: str = "", package: str = "", above: Sequence[str] = ()) -> None:
        """Check a file, and those that its list of defaults names.

        Args:
            default: what names it, as Hydra reads it.
            group, package: of the file that names it.
            above: the files that were gone through on the way here.
        """
        default.update_parent(group, package)
        path = default.get_config_path()
        self._check_not_hidden(path)
        file = self._presets.own_file(path, conf=self._conf)
        if file is None and not default.primary:
            return
        content, loaded = self._read(path, file)
        header = loaded.header["package"]
        default.set_package_header(header)
        package, group = default.get_final_package(), default.get_group_path()
        if file is not None:
            self.files.append(file)
            preset_file.check_package(file, package, header)
            preset_file.check_settings(file, content, package)
        for child in _entries(loaded.defaults_list):
            child.update_parent(group, package)
            if isinstance(child, GroupDefault) and child.get_group_path() in self._chosen:
                continue
            if file is not None:
                self._check_entry(file, child, [*above, path])
            if child.is_override():
                renewed = GroupDefault(group=child.get_group_path(), value=child.value, package=child.package)
                self.look_at(renewed, above=[*above, path])
            else:
                self.look_at(child, group, package, above=[*above, path])

    def _read(self, path: str, file: Path | None) -> tuple[dict[str, Any], Any]:
        """Return what a file says, nothing of one that is not looked at, and what Hydra makes of it."""
        if path not in self._contents:
            self._contents[path] = {} if file is None else preset_file.settings_of(file)
        try:
            return self._contents[path], self._presets.files.load_config(path)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path if file is None else shown(file)}: {str(error).splitlines()[0]}") from error

    def _check_entry(self, file: Path, child: Any, above: Sequence[str]) -> None:
        """Refuse an entry of a list of defaults that names no file, or none that may stand there."""
        key, path = f"{shown(file)}: defaults", child.get_config_path()
        name, group = child.get_name(), child.get_group_path()
        if path == MAIN and "/" in above[-1]:
            raise InputError.at(key, takes="files of groups", got=f"{path}, with which the settings begin")
        if path in above:
            raise InputError.at(key, takes="other files", got=f"{path}, which would be part of itself")
        if self._presets.files.config_exists(path):
            if isinstance(child, GroupDefault) and self._is_chosen(child, above[-1]):
                takes = f"override /{group}: {name}, as a file of {group} is chosen already"
                raise InputError.at(key, takes=takes, got=f"{child.group}: {name}")
            self._check_place(key, child)
            return
        if child.is_optional():
            return
        if isinstance(child, GroupDefault) and self._presets.is_group(child.group) and child.group != group:
            takes = f"a slash before the name of the group, /{child.group}: {name}"
            raise InputError.at(key, takes=takes, got=f"{child.group}: {name}")
        known = self._presets.choices(group) if self._presets.is_group(group) else []
        takes = f"a file of {group}: {', '.join(known)}" if known else "files that are there"
        raise InputError.at(key, takes=takes, got=name if known else path)

    def _check_place(self, key: str, child: Any) -> None:
        """Refuse a file whose settings would go elsewhere than to their group."""
        path = child.get_config_path()
        header = self._read(path, self._presets.own_file(path, conf=self._conf))[1].header["package"]
        group, package = child.get_group_path(), child.get_final_package()
        if header is None and group and not child.is_override() and schema.is_group(group) and package != group:
            got = f"{path}, whose settings would go to {package or 'the top'}"
            raise InputError.at(key, takes=f"files whose settings go where they belong, to {group}", got=got)

    def _is_chosen(self, child: Any, path: str) -> bool:
        """Tell whether conf/ has chosen a file of a group before another is named, not as an override."""
        if child.is_override() or path == MAIN or not self._presets.files.config_exists(MAIN):
            return False
        entries = _entries(self._presets.files.load_config(MAIN).defaults_list, all_of_them=True)
        for entry in entries:
            entry.update_parent("", "")
        return child.get_override_key() in {
            entry.get_override_key() for entry in entries if isinstance(entry, GroupDefault)
        }

    def _check_not_hidden(self, path: str) -> None:
        """Refuse a file of the user's own that has the name of one of conf/, which would be taken in its place."""
        holders = [source for source in self._presets.files.get_sources() if source.is_config(path)]
        files = [file_of(source, path) for source in holders if source.scheme() == "file"]
        if not holders or holders[0].provider != OF_CONF:
            return
        for file in files[1:]:
            if preset_file.text_of(file) != preset_file.text_of(files[0]):
                takes = "a name that no file of conf/ has, as that one is taken and not this"
                raise InputError.at(str(shown(file)), takes=takes, got=path)


def _names(override: Override) -> Iterator[str]:
    """Yield the names of the files that a word names, in all jobs of a sweep."""
    if not override.is_delete():
        yield from (name for name in names_of(override) if isinstance(name, str))


def _gives(override: Override, key: str) -> bool:
    """Tell whether a word gives the value of a setting."""
    named = override.key_or_group
    return key == named or ("." in named and key.startswith(f"{named}."))


def _entries(defaults: Any, *, all_of_them: bool = False) -> list[Any]:
    """Return the entries of a list of defaults, those alone that name one file unless all are asked for."""
    entries = [entry for entry in copy.deepcopy(defaults or []) if not entry.is_self()]
    if all_of_them:
        return entries
    named = [(entry, entry.value if isinstance(entry, GroupDefault) else entry.path) for entry in entries]
    return [entry for entry, name in named if isinstance(name, str) and "${" not in name and name != "???"]

"""Completion of the command line in a shell: `mnist-dream -sc install=bash`, by Hydra's plugins.

A file of its own, as a shell asks at every press of the tab key: nothing is imported that is not needed to answer.
"""

import contextlib
import io
import os
import re
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Any

from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.core.utils import setup_globals
from hydra.plugins.completion_plugin import CompletionPlugin
from omegaconf import OmegaConf

from pipeline.commands.table import COMMANDS
from pipeline.runtime.errors import InputError
from pipeline.settings import choices
from pipeline.settings.presets import Presets, prefer_conf
from pipeline.stages.registry import STAGES

OPTIONS = ("-sc", "--shell-completion")
NAME = "mnist-dream"
# The commands that take no settings behind the names of runs.
WITHOUT_SETTINGS = ("resume", "store", "sync", "ui")
OF_START = ("stages", "hydra")
# What a shell asks with, the line so far.
LINE = "COMP_LINE"
# zsh takes the completion of bash, once it has loaded what understands that.
FOR_ZSH = """
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
autoload -Uz bashcompinit && bashcompinit
"""
# Where names of files are what can follow, which fish is to leave out elsewhere.
FILES = "complete -c %s -n '%s %s' -F"


def command(arguments: Sequence[str]) -> int:
    """Do what `install=SHELL`, `uninstall=SHELL` or, from the shell itself, `query=SHELL` asks for; return the exit
    code."""
    # whoever is asked, a shell completes the words of the installed command
    sys.argv[0] = NAME
    words = [word.partition("=") for word in arguments if word not in OPTIONS]
    setup_globals()
    presets = Presets.of_command([])
    shells = Hydra.get_shell_to_plugin_map(presets.loader)
    if len(words) != 1 or words[0][0] not in ("install", "uninstall", "query") or words[0][2] not in shells:
        takes = f"install=SHELL or uninstall=SHELL, and as SHELL one of {', '.join(sorted(shells))}"
        got = " ".join("".join(word) for word in words)
        print(f"{NAME}: {InputError.at(OPTIONS[1], takes=takes, got=got or 'nothing')}", file=sys.stderr)
        return 2
    asked, _, shell = words[0]
    plugin = shells[shell][0]
    if asked == "install":
        _install(plugin, shell)
    elif asked == "uninstall":
        # Hydra leaves a completion behind whose function is gone
        print({"bash": f"complete -r {NAME}", "zsh": f"compdef -d {NAME}"}.get(shell, ""))
        plugin.uninstall()
    elif LINE in os.environ:
        # what would be said of an error stood in the line that is being typed
        with contextlib.suppress(Exception, SystemExit), contextlib.redirect_stderr(io.StringIO()):
            print("\n".join(_suggested(plugin, CompletionPlugin.strip_python_or_app_name(os.environ[LINE]))))
    return 0


def _install(plugin: CompletionPlugin, shell: str) -> None:
    """Tell a shell what it is to do, with what Hydra's plugin leaves to the user or forgets."""
    if shell == "zsh":
        print(FOR_ZSH)
    plugin.install()
    if shell == "fish":
        taking = [
            name for option in get_args_parser()._actions if option.nargs is None for name in option.option_strings
        ]
        print(FILES % (NAME, "__fish_prev_arg_in", " ".join(taking)))
        print(FILES % (NAME, "__fish_seen_subcommand_from", " ".join(COMMANDS)))


def _suggested(plugin: CompletionPlugin, line: str) -> list[str]:
    """Return what the last word of a line could become; nothing where the shell's own names of files are better.

    Args:
        line: without the name of the command.
    """
    *before, word = ["", *line.split(), *([""] if not line or line[-1].isspace() else [])][1:]
    options = get_args_parser()._actions
    if of_record := bool(before) and before[0] in COMMANDS:
        # names of files; but nothing else has a dot or = in a word that does not begin as a path does
        if not re.match(r"[a-z]\w*[.=]", word) or before[0] in WITHOUT_SETTINGS:
            return []
        before, line = [], word
    if before and any(before[-1] in option.option_strings and option.nargs is None for option in options):
        return []
    if word.startswith("-"):
        return sorted(name for option in options for name in option.option_strings if name.startswith(word))
    prefer_conf()
    presets = Presets.of_command(before)
    # Hydra would read the settings again for every group
    presets.loader.get_group_options = lambda group_name, results_filter=None, **_: presets.files.get_group_options(
        group_name, results_filter
    )
    load = presets.loader.load_configuration
    presets.loader.load_configuration = lambda **asked: _with_whole_lists(load(**asked))
    commands = [name for name in COMMANDS if name.startswith(word) and not before]
    # a path, which Hydra completes, or what is chosen among all that there is
    value = word.partition("=")[2]
    asked = line if value.startswith((".", "/")) else line.removesuffix(value)
    found: list[str] = type(plugin)(presets.loader)._query(config_name=presets.name, line=asked)
    if of_record:
        # of a record single settings can be changed, and nothing of how it was started
        found = [one for one in found if not (presets.is_group(one.partition("=")[0]) or one.startswith(OF_START))]
    return [*commands, *(each for one in found for each in _words_of(one) if each.startswith(word))]


def _with_whole_lists(config: Any) -> Any:
    """Return settings whose lists are words, as they are given: Hydra completes the places in a list one by one."""

    def written(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: written(each) for key, each in value.items()}
        return re.sub(r"\s|'", "", str(value)) if isinstance(value, list) else value

    return OmegaConf.create(written(OmegaConf.to_container(config)))


def _words_of(suggested: str) -> list[str]:
    """Return all that a setting can be that takes one of some words; Hydra suggests the one that it is."""
    setting, is_value, value = suggested.partition("=")
    if is_value and setting == "stages":
        return [f"stages=[{name}]" for name in STAGES]
    if value in ("true", "false"):
        return [f"{setting}=true", f"{setting}=false"]
    kind = getattr(choices, value.partition(".")[0], None) if is_value else None
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return [suggested]
    return [f"{setting}={member.value}" for member in kind]

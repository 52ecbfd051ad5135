"""The words of a run: Hydra's options and setting=value, in any order."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import fields

from pipeline.runtime.errors import InputError
from pipeline.settings.config import Config

# What Hydra can be asked to do instead of a run, by the names of its options; one at a time.
INSTEAD = ("run", "multirun", "cfg", "info", "shell_completion")
SETTINGS = {field.name for field in fields(Config)}


def arranged(arguments: Sequence[str], parser: argparse.ArgumentParser, spelled: Callable[..., str]) -> list[str]:
    """Return the arguments as Hydra takes them: its options first where they stand between the other words.

    Args:
        parser: Hydra's.
        spelled: returns a word as Hydra reads it; is_sweep tells it whether several values are as many jobs.
    Raises:
        InputError: an option that Hydra does not know, or options that do not go together.
    """

    def refuse(message: str) -> None:
        raise InputError(message)

    # which would print its usage, and end the process
    parser.error = refuse  # type: ignore[assignment,method-assign]
    options, unknown = parser.parse_known_intermixed_args(list(arguments))
    if unknown:
        raise _unknown_option(unknown[0], arguments)
    given = [f"--{name.replace('_', '-')}" for name in INSTEAD if getattr(options, name) not in (None, False)]
    if len(given) > 1:
        raise InputError(f"{', '.join(given)}: only one of them at a time")
    if options.resolve and not (options.cfg or options.help):
        raise InputError("--resolve: goes with --cfg job")
    if options.experimental_rerun is not None:
        raise InputError(
            "--experimental-rerun: takes pickled settings; what was run is run again by mnist-dream rerun RUN"
        )
    words = [word for word in options.overrides if word != "--"]
    rest = [argument for argument in arguments if argument != "--"]
    for word in words:
        rest.remove(word)
    known, left = parser.parse_known_args(list(arguments))
    is_in_order = not left and known.overrides == options.overrides
    written = {word: spelled(word, is_sweep=options.multirun) for word in words}
    if is_in_order:
        return [written.get(argument, argument) for argument in arguments]
    return [*rest, *(written[word] for word in words)]


def _unknown_option(option: str, arguments: Sequence[str]) -> InputError:
    """Return what to say of an option that there is not; it may be a setting."""
    name, equals, value = option.partition("=")
    if not equals:
        following = list(arguments)[list(arguments).index(option) + 1 :]
        value = following[0] if following and not following[0].startswith("-") else "VALUE"
    key = name.lstrip("-").replace("-", "_")
    if key.partition(".")[0] in SETTINGS:
        return InputError(f"{name}: a run has no such option but a setting; write {key}={value}")
    return InputError(
        f"{name}: no such option; mnist-dream --hydra-help lists them, a setting takes the form setting=value"
    )

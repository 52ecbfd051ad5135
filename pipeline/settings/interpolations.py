"""What composed settings take from each other and from the environment, ${...}: all of it has to lead somewhere."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from omegaconf import Container, DictConfig, OmegaConf
from omegaconf.errors import (
    GrammarParseError,
    InterpolationToMissingValueError,
    OmegaConfBaseException,
)

# Set by Hydra only when a job begins, such as its number.
LATER = re.compile(r"hydra\.(job|runtime)\.")
# Where Hydra keeps the words that were given, and its help.
SAME = ("hydra.overrides.", "hydra.job.override_dirname", "hydra.help.", "hydra.hydra_help.")
NULL = "that is null"
# What OmegaConf says, and the same in words for users.
SAID = (
    (r"Interpolation key '(.*)' not found", r"there is no \1"),
    (r".*Missing mandatory value: (.*)", r"\1 has no value"),
    (r".*Environment variable '(.*)' not found.*", r"the environment has no \1"),
    (r"Unsupported interpolation type (.*)", r"there is no resolver \1"),
    (r"Recursive interpolation detected", "it leads back to itself"),
    (r"Interpolation to parent node detected", "it leads to a group that it is in"),
    (r".*Value '(.*)' of type .* could not be converted to .*", r"that is \1"),
    (r".*Incompatible value 'None' for field of type .*", NULL),
    (r"ValueError raised .*: HydraConfig was not set", "Hydra's own settings are known in its commands alone"),
    (r"TypeError raised .*: .*\bmissing \d+ required .*", "the resolver takes a value behind its colon, as ${now:%Y}"),
    (r"\w+ raised while resolving interpolation: (.*)", r"\1"),
)


class Fault(NamedTuple):
    """A ${...} that cannot be followed. key: where it stands; text: all that stands there; why: in words."""

    key: str
    text: str
    why: str


def faults(composed: DictConfig) -> Iterator[Fault]:
    """Yield every ${...} of composed settings, and of Hydra's own if they are there, that leads to no value."""
    # what Hydra writes of them stands on them
    for fault in sorted(_faults(composed, ""), key=lambda fault: fault.key.startswith("hydra.")):
        if not fault.key.startswith(SAME):
            yield fault


def check_grammar(value: Any) -> str | None:
    """Return what is wrong with the ${...} of a value by itself, None if it can be read."""
    try:
        OmegaConf.create({"value": value})
    except GrammarParseError:
        return "${ without a name and its }"
    return None


def _faults(node: Container, prefix: str) -> Iterator[Fault]:
    plain: Any = OmegaConf.to_container(node, resolve=False)
    is_dict = isinstance(node, DictConfig)
    names: Any = list(plain) if is_dict else range(len(plain))
    for name in names:
        key = f"{prefix}.{name}".removeprefix(".") if is_dict else f"{prefix}[{name}]"
        if OmegaConf.is_interpolation(node, name):
            try:
                _ = node[name]
            except OmegaConfBaseException as error:
                if not _comes_later(key, error):
                    yield Fault(key, str(plain[name]), why(error))
        elif not OmegaConf.is_missing(node, name) and OmegaConf.is_config(node[name]):
            yield from _faults(node[name], key)


def _comes_later(key: str, error: OmegaConfBaseException) -> bool:
    is_missing = isinstance(error, InterpolationToMissingValueError)
    return is_missing and key.startswith("hydra.") and LATER.search(str(error)) is not None


def why(error: OmegaConfBaseException) -> str:
    """Return why something cannot be resolved, in words."""
    said = str(error).splitlines()[0]
    for pattern, words in SAID:
        if found := re.fullmatch(pattern, said):
            return found.expand(words)
    return said

"""The results in the store: whose each is, and whether it is still what was saved."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.engine import provenance, storage
from pipeline.engine.sources import sources_digest
from pipeline.engine.stage import Stage
from pipeline.engine.storage import RECORD
from pipeline.engine.store import Store
from pipeline.runtime.errors import InputError


def entries(store: Store) -> list["Entry"]:
    """Return the results of a store, the least recently used first."""
    return sorted(map(Entry.at, store.places()), key=lambda entry: entry.used)


@dataclass(frozen=True)
class Entry:
    """A result of the store. used: when it was made or last reused, in seconds since the epoch; name: its run's, or
    "broken" if its record cannot be read."""

    place: Path
    used: float
    size: int
    name: str

    @classmethod
    def at(cls, place: Path) -> "Entry":
        """Return the entry of a folder of the store, also of one whose record is broken."""
        try:
            name = storage.load_record(place).name
        except InputError:
            name = "broken"
        size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        return cls(place, place.stat().st_mtime, size, name)

    @property
    def stage(self) -> str:
        """Return the stage whose result it is."""
        return self.place.parent.name

    @property
    def key(self) -> str:
        """Return the key of the result, the name of its folder."""
        return self.place.name

    def problem(self) -> str | None:
        """Return what is not as it was saved, None if all is.

        The digest of every file is compared, and the key with the name of the folder.
        """
        problem = storage.problem(self.place, thorough=True)
        if problem is None and storage.load_record(self.place).key != self.key:
            return f"{RECORD} is of another result"
        return problem

    def is_outdated(self, stage: Stage[Any]) -> bool:
        """Tell whether today's sources or versions can no longer reproduce the key, so that nothing will ask for it."""
        ingredients = self.ingredients()
        if ingredients is None or "environment" not in ingredients:
            # of an older version
            return True
        today = {"sources": sources_digest(stage), "versions": provenance.numeric_versions()}
        return any(ingredients[name] != value for name, value in today.items())

    def ingredients(self) -> dict[str, Any] | None:
        """Return what the key is the digest of, None if that is not known."""
        ingredients = storage.load_ingredients(self.place)
        return ingredients if provenance.digest(ingredients) == self.key else None

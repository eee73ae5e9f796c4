"""The socket by which every app moves what it owns when two members become one.

``MERGERS`` in ``crm/wiring.py`` names one ``Merger`` per app. The test that walks all
models with a key to a member fails for every key that none of them covers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from crm import wiring

#: What a merge wrote down, by the name of a merger.
Moved = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MergeCase:
    """One merge or its undoing; ``source`` names it in every book it writes."""

    loser_id: int
    winner_id: int
    source: str
    now: datetime

    @property
    def member_ids(self) -> list[int]:
        """Return both, in the order in which rows are locked."""
        return sorted((self.loser_id, self.winner_id))


@dataclass(frozen=True, slots=True)
class Share:
    """So many of something, as a preview tells it."""

    label: str | Promise
    count: int


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key to a member whose rows simply move."""

    model: type[models.Model]
    field: str

    @property
    def label(self) -> str:
        """Return ``app.Model.field``."""
        return f"{self.model._meta.label}.{self.field}"

    def rows(self, member_id: int) -> models.QuerySet:
        """Return the rows of a member."""
        return self.model._default_manager.filter(**{self.field: member_id})


class Merger:
    """What one app moves. The plain case needs ``name`` and ``keys`` only."""

    #: Under this name what moved is written down. Never changes.
    name: str
    #: Rows that go over as they are.
    keys: Sequence[Key] = ()
    #: Further keys to a member, ``app.Model.field``, handled by own code.
    also_covers: frozenset[str] = frozenset()

    @property
    def covers(self) -> set[str]:
        """Return every key to a member this merger answers for."""
        return {key.label for key in self.keys} | self.also_covers

    def lock_first(self, case: MergeCase) -> None:
        """Lock what others lock before a member's row."""

    def lock(self, case: MergeCase) -> None:
        """Lock what others lock right after a member's row."""

    def shares(self, member_id: int) -> list[Share]:
        """Return what a merge would move, for the preview."""
        return [
            Share(key.model._meta.verbose_name_plural, key.rows(member_id).count())
            for key in self.keys
        ]

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Give the loser's rows to the winner; return JSON that can undo it."""
        return {key.label: self.move_rows(key, case) for key in self.keys}

    def staying(self, case: MergeCase, moved: Moved) -> list[Share]:
        """Return what undoing cannot give back, for the preview.

        Raises:
            Refusal: undoing must wait.
        """
        return []

    def give_back(self, case: MergeCase, moved: Moved) -> None:
        """Give back what the loser brought and is still the winner's."""
        for key in self.keys:
            self.return_rows(key, case, moved[self.name].get(key.label, []))

    @staticmethod
    def move_rows(key: Key, case: MergeCase) -> list[int]:
        """Move all rows of a key; return their ids."""
        ids = sorted(key.rows(case.loser_id).values_list("pk", flat=True))
        key.rows(case.loser_id).filter(pk__in=ids).update(
            **{f"{key.field}_id": case.winner_id}
        )
        return ids

    @staticmethod
    def return_rows(key: Key, case: MergeCase, ids: Sequence[int]) -> None:
        """Move rows back that are still the winner's."""
        key.rows(case.winner_id).filter(pk__in=ids).update(
            **{f"{key.field}_id": case.loser_id}
        )


def mergers() -> list[Merger]:
    """Return the merger of every app, in the order they move."""
    return [import_string(path)() for path in wiring.MERGERS]

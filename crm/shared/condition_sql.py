"""The same conditions asked of the database: one filter for everybody.

A column says how one field of a vocabulary is asked, and how its fact is read. What SQL
calls NULL is what is not known: each question is guarded, so that ``Not`` means what it
means in memory. That both say the same is a property test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Expression, F, Model, OuterRef, Q, QuerySet

from crm.shared.conditions import All, Any_, Condition, Facts, Field, Not, Question


class Column(Protocol):
    """How a field is asked and read."""

    def asks(self, asked: Question) -> Q:
        """Return the filter of one question; it must never be NULL."""

    def reads(self) -> Expression | F:
        """Return what to select."""

    def fact(self, found: Any) -> Any:
        """Return the fact from what was selected."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A column of the row, or of one that it names: ``points_account__balance``.

    An empty text stands for what is not known; ``default`` for a row that is not there.
    """

    path: str
    default: int | bool | None = None

    def asks(self, asked: Question) -> Q:
        """Return the filter of one question."""
        there = Q(**{f"{self.path}__isnull": False})
        if asked.field.kind in ("text", "choice"):
            there &= ~Q(**{self.path: ""})
        if asked.how == "known":
            found = there
        elif asked.how == "unknown":
            found = ~there
        else:
            found = there & _compared(self.path, asked.how, asked.value)
        if self.default is None:
            return found
        is_default = asked.holds({asked.field.name: self.default})
        return (there & found) | (~there if is_default else Q(pk__in=[]))

    def reads(self) -> F:
        """Return what to select."""
        return F(self.path)

    def fact(self, found: Any) -> Any:
        """Return the value, or what stands for it."""
        return self.default if found is None else found


@dataclass(frozen=True, slots=True)
class DaysSince:
    """Whole days from a moment in a column to ``now``; negative before it."""

    path: str
    now: datetime

    def asks(self, asked: Question) -> Q:
        """Return the filter of one question: days turned back into moments."""
        there = Q(**{f"{self.path}__isnull": False})
        if asked.how == "known":
            return there
        if asked.how == "unknown":
            return ~there
        low, high = _days(asked.how, asked.value)
        found = Q()
        if low is not None:
            found &= Q(**{f"{self.path}__lte": self.now - timedelta(days=low)})
        if high is not None:
            found &= Q(**{f"{self.path}__gt": self.now - timedelta(days=high + 1)})
        return there & (~found if asked.how == "ne" else found)

    def reads(self) -> F:
        """Return what to select."""
        return F(self.path)

    def fact(self, found: datetime | None) -> int | None:
        """Return the whole days."""
        return None if found is None else (self.now - found) // timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Codes:
    """A set of codes in rows of another table that name this one."""

    model: type[Model]
    #: Its column that names the row asked about, and the one that holds the code.
    key: str
    code: str
    where: Q = Q()

    def asks(self, asked: Question) -> Q:
        """Return the filter of one question."""
        if asked.how == "all_of":
            found = Q()
            for code in asked.value:
                found &= Q(Exists(self._rows(**{self.code: code})))
            return found
        found = Q(Exists(self._rows(**{f"{self.code}__in": list(asked.value)})))
        return ~found if asked.how == "none_of" else found

    def reads(self) -> Expression:
        """Return what to select."""
        return ArraySubquery(
            self._rows(**{f"{self.code}__isnull": False})
            .order_by()
            .values_list(self.code)
            .distinct()
        )

    def fact(self, found: Any) -> frozenset[str]:
        """Return the codes."""
        return frozenset(found or ())

    def _rows(self, **more: Any) -> QuerySet:
        rows = self.model._default_manager.filter(self.where)
        return rows.filter(**{self.key: OuterRef("pk")}, **more)


@dataclass(frozen=True, slots=True)
class Listed:
    """A set of codes in an array of the row."""

    path: str

    def asks(self, asked: Question) -> Q:
        """Return the filter of one question."""
        lookup = "contains" if asked.how == "all_of" else "overlap"
        found = Q(**{f"{self.path}__{lookup}": list(asked.value)})
        return ~found if asked.how == "none_of" else found

    def reads(self) -> F:
        """Return what to select."""
        return F(self.path)

    def fact(self, found: Any) -> frozenset[str]:
        """Return the codes."""
        return frozenset(found or ())


Columns = Mapping[str, tuple[Field, Column]]


def where(condition: Condition, columns: Columns) -> Q:
    """Return the filter of a condition.

    Raises:
        KeyError: it asks about a field that has no column.
    """
    if isinstance(condition, Question):
        return columns[condition.field.name][1].asks(condition)
    if isinstance(condition, Not):
        return ~where(condition.part, columns)
    assert isinstance(condition, All | Any_)
    found = Q()
    for part in condition.parts:
        asked = where(part, columns)
        found = found & asked if isinstance(condition, All) else found | asked
    return found


def facts_of(
    rows: QuerySet, names: frozenset[str], columns: Columns
) -> dict[int, Facts]:
    """Return the facts of some rows by primary key, in one statement.

    Args:
        names: of the facts that are wanted.
    """
    wanted = {f"fact_{place}": name for place, name in enumerate(sorted(names))}
    selected = {key: columns[name][1].reads() for key, name in wanted.items()}
    return {
        row["pk"]: {
            name: columns[name][1].fact(row[key]) for key, name in wanted.items()
        }
        for row in rows.order_by().annotate(**selected).values("pk", *wanted)
    }


def _compared(path: str, how: str, value: Any) -> Q:
    if how == "between":
        return Q(**{f"{path}__gte": value[0], f"{path}__lte": value[1]})
    if how in ("yes", "no"):
        return Q(**{path: how == "yes"})
    is_not = how in ("ne", "not_in")
    lookup = {"eq": "", "ne": "", "in": "__in", "not_in": "__in"}.get(how, f"__{how}")
    found = Q(**{f"{path}{lookup}": value})
    return ~found if is_not else found


def _days(how: str, value: Any) -> tuple[int | None, int | None]:
    """Return the fewest and the most days that a question asks for."""
    if how == "between":
        return value
    low = {"gt": 1, "gte": 0, "eq": 0, "ne": 0}.get(how)
    high = {"lt": -1, "lte": 0, "eq": 0, "ne": 0}.get(how)
    return (
        None if low is None else value + low,
        None if high is None else value + high,
    )

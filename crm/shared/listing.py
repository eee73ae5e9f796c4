"""Lists read by a statement written by hand, for what is read most.

A queryset is composed anew for every request, which takes several times as long as
running it. Here the text stands ready, PostgreSQL plans it once per connection
(``crm.shared.planned``), and what stands beside a row comes with it as JSON. Pages are
those of ``crm.shared.paging.CursorPage``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from django.db import connection

from crm.shared.planned import planned_cursor

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """The rows of a statement: narrowed by ``where``, read by ``page`` or ``first``.

    ``select`` says the columns, ``tables`` is the FROM, and both name their parameters.
    ``row`` makes a row of its columns. ``columns`` says where the names of an order
    stand in the statement. ``joins`` bring what is shown beside a row: they neither add
    nor drop one, and no clause names them.
    """

    select: str
    tables: str
    row: Callable[..., Row]
    columns: Mapping[str, str]
    joins: str = ""
    clauses: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    #: False where the best plan depends on the values, so each has its own.
    is_planned: bool = True
    is_empty: bool = False

    def none(self) -> "Listing[Row]":
        """Return no rows at all, without asking."""
        return replace(self, is_empty=True)

    def where(self, clause: str, **params: Any) -> "Listing[Row]":
        """Return the rows for which a clause holds, too; it names its parameters."""
        return replace(
            self, clauses=(*self.clauses, clause), params={**self.params, **params}
        )

    def unplanned(self) -> "Listing[Row]":
        """Return the same rows by a statement that is planned for its values."""
        return replace(self, is_planned=False)

    def page(self, walk: Sequence[str], seen: Sequence[Any], most: int) -> list[Row]:
        """Return up to ``most`` rows in an order, beginning behind a row.

        Args:
            walk: names of columns, all with a ``-`` (falling) or none.
            seen: their values in the row before; none begins the list.
        """
        return self._read(*self.statement(walk, seen, most))

    def first(self) -> Row | None:
        """Return the row that is alone in meeting all clauses, if there is one."""
        rows = self._read(self._whole(), self.params)
        return rows[0] if rows else None

    def keys(self) -> tuple[str, Mapping[str, Any]]:
        """Return a statement that gives one number a row, and its parameters.

        Columns and joins are left out: planning them takes longer than counting, and
        without them an index may be enough.
        """
        return self._text("SELECT 1", ""), self.params

    def statement(
        self, walk: Sequence[str], seen: Sequence[Any], most: int
    ) -> tuple[str, Mapping[str, Any]]:
        """Return the statement of a page, and its parameters.

        Raises:
            ValueError: some columns of the order rise and some fall.
        """
        falls = {name.startswith("-") for name in walk}
        if len(falls) != 1:
            raise ValueError(f"{walk} goes both ways.")
        way, beyond = ("DESC", "<") if falls.pop() else ("ASC", ">")
        order = [self.columns[name.lstrip("-")] for name in walk]
        behind = self
        if seen:
            values = {f"seen_{place}": value for place, value in enumerate(seen)}
            named = ", ".join(f"%({name})s" for name in values)
            behind = self.where(f"({', '.join(order)}) {beyond} ({named})", **values)
        sorting = ", ".join(f"{column} {way}" for column in order)
        # The number is written out: a plan for any number would be made for many.
        text = f"{behind._whole()} ORDER BY {sorting} LIMIT {most:d}"
        return text, behind.params

    def _whole(self) -> str:
        return self._text(self.select, self.joins)

    def _text(self, select: str, joins: str) -> str:
        clauses = " AND ".join(self.clauses)
        return f"{select} {self.tables} {joins} WHERE {clauses}"

    def _read(self, text: str, params: Mapping[str, Any]) -> list[Row]:
        if self.is_empty:
            return []
        with self._cursor() as cursor:
            cursor.execute(text, params)
            return [self.row(*each) for each in cursor.fetchall()]

    def _cursor(self) -> Any:
        return planned_cursor() if self.is_planned else connection.cursor()

"""A statement of points as a file: what it says, and where its signature stands."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

FORMAT = "points-statement-1"
_SIGNATURE = re.compile(rb"signature,([0-9]{1,3}),([0-9a-f]{64})\r\n\Z")
_HEADER = ("format", "member", "from", "to", "made_at", "opening", "closing", "lines")
_COLUMNS = ("number", "time", "entry", "kind", "points", "balance", "ends", "lots")


@dataclass(frozen=True, slots=True)
class Line:
    """One movement. ``lots`` is whose points it took: (entry, points), first first."""

    number: int
    at: datetime
    entry: str
    kind: str
    points: int
    #: Of the statement, less debt: the opening and every movement so far.
    balance: int
    ends: date | None
    lots: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """The movements of ``first`` to ``last``, days of the shop, both included."""

    member: str
    first: date
    last: date
    made_at: datetime
    opening: int
    lines: Sequence[Line]

    @property
    def closing(self) -> int:
        """Return the balance after the last movement."""
        return self.lines[-1].balance if self.lines else self.opening


def content_of(statement: Statement) -> bytes:
    """Return the file without its signature. No cell needs quotes or escapes."""
    head = (
        *(FORMAT, statement.member, statement.first, statement.last),
        *(statement.made_at.isoformat(), statement.opening, statement.closing),
        len(statement.lines),
    )
    rows: list[Iterable[object]] = [_HEADER, head, _COLUMNS]
    rows += [
        (
            *(line.number, line.at.isoformat(), line.entry, line.kind, line.points),
            *(line.balance, line.ends or ""),
            " ".join(f"{entry}:{points}" for entry, points in line.lots),
        )
        for line in statement.lines
    ]
    return "".join(f"{','.join(map(str, row))}\r\n" for row in rows).encode()


def signed(content: bytes, *, key: int, signature: bytes) -> bytes:
    """Return the file with its last line: the number of the key, and the signature."""
    return content + f"signature,{key},{signature.hex()}\r\n".encode()


def split(file: bytes) -> tuple[bytes, int, bytes] | None:
    """Return content, number of the key, signature; None where none ends the file.

    >>> split(signed(b"points,", key=2, signature=bytes(32)))[:2]
    (b'points,', 2)
    """
    found = _SIGNATURE.search(file)
    if found is None:
        return None
    key, signature = found.groups()
    return file[: found.start()], int(key), bytes.fromhex(signature.decode())

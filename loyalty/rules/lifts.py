"""What lifted a member to the tier held, and to those below it (T9). Plain Python."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Lift:
    """A tier somebody came to, and by what; one that no order gave has no cause."""

    tier: str | None
    #: None before the first tier.
    since: datetime | None
    #: Exclusive end of the term that began; None has none.
    valid_until: datetime | None = None
    #: Such as ``order:ord_01J…``.
    cause: str = ""

    def is_protected(self, at: datetime, *, days: int | None) -> bool:
        """Whether what comes back at ``at`` undoes it; None days have no end (T9)."""
        if days is None or self.since is None:
            return True
        return at < self.since + timedelta(days=days)


@dataclass(frozen=True, slots=True)
class CameBack:
    """That something of what lifted a member came back, and what holds without it."""

    #: When, the last time.
    at: datetime
    #: Tiers that are kept by what is left now, or was left at the lift.
    kept: frozenset[str]


def plain_lifts(lifts: Iterable[Lift]) -> list[dict[str, Any]]:
    """Return lifts as JSON holds them; see ``lifts_of``."""
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(lift).items()
        }
        for lift in lifts
    ]


def lifts_of(plain: Sequence[dict[str, Any]]) -> tuple[Lift, ...]:
    """Return lifts from JSON.

    >>> lift = Lift("silver", datetime(2026, 5, 1), None, "order:1")
    >>> lifts_of(plain_lifts([lift])) == (lift,)
    True
    """
    return tuple(
        Lift(
            tier=each["tier"],
            since=_moment(each["since"]),
            valid_until=_moment(each["valid_until"]),
            cause=each["cause"],
        )
        for each in plain
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

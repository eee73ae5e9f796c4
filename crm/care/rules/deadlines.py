"""Until when a ticket should be answered. Plain Python."""

from datetime import datetime, timedelta

#: Kind of ticket -> hours until the answer is due: anger does not wait.
_HOURS = {"complaint": 8, "return": 24, "question": 24, "suggestion": 72}
#: How long before the deadline a ticket counts as urgent.
URGENT = timedelta(hours=2)


def answer_due(kind: str, *, asked_at: datetime) -> datetime:
    """Return until when a ticket asked at ``asked_at`` should be answered."""
    return asked_at + timedelta(hours=_HOURS[kind])

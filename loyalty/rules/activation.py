"""From when the points of an order can be spent. Plain Python."""

from datetime import datetime, timedelta


def active_from(
    mode: str,
    *,
    paid_at: datetime,
    days: int,
    returns_end_at: datetime | None,
) -> datetime | None:
    """Return when points of an order become active; None is not known yet (P9).

    Args:
        mode: ``at_once``, ``after_days`` of the payment, or ``after_returns``: when the
            time for returns is over.
        days: of ``after_days``.
        returns_end_at: from when on goods can no longer be sent back (R17); None while
            they have not all arrived.
    """
    if mode == "after_days":
        return paid_at + timedelta(days=days)
    if mode == "after_returns":
        return returns_end_at
    return paid_at

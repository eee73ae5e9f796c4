"""From when the points of an order can be spent. Plain Python."""

from datetime import datetime, timedelta


def active_from(
    mode: str,
    *,
    paid_at: datetime,
    delivered_at: datetime | None,
    days: int,
    return_days: int,
) -> datetime | None:
    """Return when points of an order become active; None is not known yet (P9).

    Args:
        mode: ``at_once``, ``after_days`` of the payment, or ``after_returns``: when the
            time for returns is over.
        delivered_at: when its last goods arrived; None while they have not.
        days: of ``after_days``.
        return_days: how long goods can be sent back after delivery (R17).
    """
    if mode == "after_days":
        return paid_at + timedelta(days=days)
    if mode == "after_returns":
        if delivered_at is None:
            return None
        return delivered_at + timedelta(days=max(0, return_days))
    return paid_at

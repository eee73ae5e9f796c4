"""Offers of the past, made again from the terms an order kept (R6, S23)."""

from campaigns.rules.coupons import CouponOffer, Terms
from campaigns.rules.promotions import SpendAndSave
from orders.rules.repricing import StoredOffer


def promotion_of_terms(stored: StoredOffer) -> SpendAndSave | None:
    """Return a spend-and-save promotion as it was; None where its steps are unknown."""
    rungs = stored.terms.get("rungs")
    if not rungs:
        return None
    return SpendAndSave(
        source_id=stored.source_id,
        name=stored.name,
        rungs=tuple((threshold, off) for threshold, off in rungs),
        repeats=stored.terms.get("repeats", False),
        max_times=stored.terms.get("max_times", 1),
        priority=stored.terms.get("priority", 0),
        exclusive_group=stored.terms.get("exclusive_group", ""),
    )


def coupon_of_terms(stored: StoredOffer) -> CouponOffer | None:
    """Return a coupon as it was; None where what it promised is unknown."""
    known = {name: stored.terms[name] for name in _COUPON if name in stored.terms}
    if "kind" not in known:
        return None
    return CouponOffer(
        source_id=stored.source_id, name=stored.name, promise=Terms(**known)
    )


_COUPON = tuple(Terms.__dataclass_fields__)

"""Offers of the past, made again from the terms an order kept (R6, S23)."""

from campaigns.rules.coupons import CouponOffer, Terms
from campaigns.rules.promotions import SpendAndSave
from campaigns.rules.recipes import BadRecipe
from campaigns.rules.recipes_making import Meta, of_that_day, offer_of
from campaigns.rules.recipes_reading import read
from orders.rules.offers import Offer
from orders.rules.repricing import StoredOffer


def promotion_of_terms(stored: StoredOffer) -> Offer | None:
    """Return a promotion as it was; None where nobody knows what it promised.

    Who bought, when and where was settled that day; only what was bought is asked.
    """
    terms = stored.terms
    meta = Meta(
        source_id=stored.source_id,
        name=stored.name,
        priority=terms.get("priority", 0),
        exclusive_group=terms.get("exclusive_group", ""),
        units_left=terms.get("units_left"),
    )
    if terms.get("rungs"):
        return SpendAndSave(
            source_id=meta.source_id,
            name=meta.name,
            rungs=tuple((threshold, off) for threshold, off in terms["rungs"]),
            repeats=terms.get("repeats", False),
            max_times=terms.get("max_times", 1),
            priority=meta.priority,
            exclusive_group=meta.exclusive_group,
        )
    try:
        recipe = read(terms.get("kind", ""), terms.get("recipe"))
    except BadRecipe:
        return None
    return offer_of(of_that_day(recipe), meta)


def coupon_of_terms(stored: StoredOffer) -> CouponOffer | None:
    """Return a coupon as it was; None where what it promised is unknown."""
    known = {name: stored.terms[name] for name in _COUPON if name in stored.terms}
    if "kind" not in known:
        return None
    return CouponOffer(
        source_id=stored.source_id, name=stored.name, promise=Terms(**known)
    )


_COUPON = tuple(Terms.__dataclass_fields__)

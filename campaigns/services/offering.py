"""Live promotions as offers.

Promotions are made into offers once per version in each process, and put into an index
of what they need: their rows are read again only after somebody changed one, and a
quote asks only those that can match. It costs the same at one live promotion and at
ten thousand. What differs from request to request (who buys, what is left of budgets)
is told to those that can match.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import get_language

from campaigns.models import Promotion
from campaigns.queries import budgets_left, gifts_by_sku, promotions_on
from campaigns.rules.conditions import Facts
from campaigns.rules.index import Indexed, OfferIndex
from campaigns.rules.promotions import Promotion as PromotionOffer
from campaigns.rules.recipes import BadRecipe, GiftWithOrder, Recipe
from campaigns.rules.recipes_making import Meta, offer_of
from campaigns.rules.recipes_reading import read
from campaigns.services.choosing import coupons_asked_for
from orders.rules.offers import Gift, Offer, PriceRequest
from orders.rules.quotes import FarOffers
from orders.services.quoting import audiences_for, offer_sources

log = logging.getLogger(__name__)


def promotions_for(request: PriceRequest) -> list[Offer | FarOffers]:
    """Return every promotion that is live at the time of a request, for its buyer."""
    version, _coupons = coupons_asked_for(request)
    live = _live(version, get_language())
    # Where prices differ by audience the price has asked before.
    if live.asks_for_audience and not request.audiences:
        request = with_audiences(request)
    near = live.index.offers_for(request)
    return for_buyer(offers=near, request=request, budgets=live.budgets)


@dataclass(frozen=True, slots=True)
class _Live:
    """What is on: the offers, and what must be read for them besides."""

    index: OfferIndex
    #: Some are for members or tiers only.
    asks_for_audience: bool
    #: Public id of a promotion -> its budget, if it has one.
    budgets: Mapping[str, int]


@lru_cache(maxsize=8)
def _live(version: UUID, language: str | None) -> _Live:
    """Return what is on as offers, in the language of the request.

    Rows read a moment after the version may be newer than it. That does no harm:
    their change has another version, and the next quote asks for that.
    """
    found: list[tuple[Promotion, Recipe]] = []
    for promotion in promotions_on():
        try:
            found.append((promotion, read(promotion.kind, promotion.recipe)))
        except BadRecipe as error:
            # Checked when written; nobody shall be kept from buying by one.
            log.error("promotion %s is skipped: %s", promotion.public_id, error)
    gifts = gifts_of([recipe for _promotion, recipe in found])
    entries = [
        Indexed(
            offer_of(recipe, meta_of(promotion=promotion, gifts=gifts)),
            promotion.ends_at,
        )
        for promotion, recipe in found
    ]
    return _Live(
        index=OfferIndex.of(entries),
        asks_for_audience=any(recipe.when.audience for _p, recipe in found),
        budgets={p.public_id: p.budget_id for p, _r in found if p.budget_id},
    )


def with_audiences(request: PriceRequest) -> PriceRequest:
    """Return the request with whom the buyer belongs to, asked once."""
    asked = ("campaigns.audiences", request.member_id)
    if asked not in request.reads:
        request.reads[asked] = audiences_for(request, sources=offer_sources())
    return replace(request, audiences=request.reads[asked])


def for_buyer(
    *,
    offers: Iterable[Offer | FarOffers],
    request: PriceRequest,
    budgets: Mapping[str, int],
    facts: Facts | None = None,
) -> list[Offer | FarOffers]:
    """Return offers told who buys and when, and what is left of their budgets.

    Args:
        budgets: public id -> budget, of those that have one.
        facts: what is supposed instead of asked, for a simulation.
    """
    found = list(offers)
    near = [each for each in found if isinstance(each, PromotionOffer)]
    wanted = {budgets[o.source_id] for o in near if o.source_id in budgets}
    left = _left_of(wanted, request)
    facts = facts or facts_of(request)

    def told(offer: Any) -> Any:
        if not isinstance(offer, PromotionOffer):
            return offer
        budget_id = budgets.get(offer.source_id)
        if budget_id in left:
            offer = replace(offer, budget_minor=max(0, left[budget_id]))
        return offer.told(facts)

    return [_told_far(o, told) if isinstance(o, FarOffers) else told(o) for o in found]


def _told_far(far: FarOffers, told: Callable[[Any], Any]) -> FarOffers:
    closest = None if far.closest is None else told(far.closest)
    return FarOffers(far.stage, lambda: [told(each) for each in far.listed()], closest)


def _left_of(budget_ids: set[int], request: PriceRequest) -> Mapping[int, int]:
    if not budget_ids:
        return {}
    asked = ("campaigns.budgets", request.order_id, tuple(sorted(budget_ids)))
    if asked not in request.reads:
        request.reads[asked] = budgets_left(
            budget_ids=budget_ids, order_id=request.order_id
        )
    return request.reads[asked]


def facts_of(request: PriceRequest) -> Facts:
    """Return what conditions ask besides the cart.

    Orders before this one are not counted yet: who asks for the n-th is told that the
    buyer is unknown, rather than that everybody is new.
    """
    codes = frozenset(f"code:{code}" for code in request.coupon_codes)
    return Facts(
        now=request.now,
        channel=request.channel_code,
        groups=request.audiences,
        marks=request.audiences | codes,
    )


def meta_of(*, promotion: Promotion, gifts: Mapping[str, Gift]) -> Meta:
    """Return what the offer of a promotion is besides its recipe.

    What is left of a budget is told later; until then there is nothing left.
    """
    return Meta(
        source_id=promotion.public_id,
        name=promotion.label,
        priority=promotion.priority,
        exclusive_group=promotion.exclusive_group,
        starts_at=promotion.starts_at,
        on_return=promotion.on_return,
        budget_minor=None if promotion.budget_id is None else 0,
        zone=ZoneInfo(settings.SHOP_TIME_ZONE),
        gifts=gifts,
    )


def gifts_of(recipes: Iterable[Recipe]) -> dict[str, Gift]:
    """Return the articles that some recipes give, by SKU; asked for all at once."""
    given = (each.gives for each in recipes if isinstance(each.gives, GiftWithOrder))
    skus = {sku for gives in given for sku in gives.skus}
    return gifts_by_sku(skus) if skus else {}

"""Live promotions as offers.

Promotions are made into offers once per version in each process, and put into an index
of what they need: their rows are read again only after somebody changed one, and a
quote asks only those that can match. It costs the same at one live promotion and at
ten thousand. What differs from request to request (who buys, what is left of budgets)
is told to those that can match.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from json import loads
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import get_language

from campaigns.models import Promotion
from campaigns.queries.promotions import PromotionRow, budgets_left, promotions_on
from campaigns.rules.index import Indexed, OfferIndex
from campaigns.rules.promotions import Promotion as PromotionOffer
from campaigns.rules.recipes import BadRecipe
from campaigns.rules.recipes_making import Meta, offer_of
from campaigns.rules.recipes_reading import read
from campaigns.services.choosing import coupons_asked_for
from campaigns.services.knowing import KnownOffers, offers_told
from orders.rules.offers import Offer, PriceRequest
from orders.rules.quotes import FarOffers

log = logging.getLogger(__name__)

#: So many offers stay made in a process, each once a language: a change of one
#: promotion makes that one anew, and not all.
_KEPT = 30_000


def promotions_for(request: PriceRequest) -> list[Offer | FarOffers]:
    """Return every promotion that is live at the time of a request, for its buyer."""
    live = _live_for(request)
    near = offers_told(known=live.known, request=request)
    return with_budgets(near, request=request, budgets=live.budgets)


def asks_for_audience(request: PriceRequest) -> bool:
    """Tell whether some promotions are for members or tiers only."""
    return bool(_live_for(request).known.audiences)


@dataclass(frozen=True, slots=True)
class _Live:
    """What is on: the offers, and what must be read for them besides."""

    known: KnownOffers
    #: Public id of a promotion -> its budget, if it has one.
    budgets: Mapping[str, int]


def _live_for(request: PriceRequest) -> _Live:
    version, _coupons = coupons_asked_for(request)
    return _live(version, get_language())


@lru_cache(maxsize=8)
def _live(version: UUID, language: str | None) -> _Live:
    """Return what is on as offers, in the language of the request.

    Rows read a moment after the version may be newer than it. That does no harm:
    their change has another version, and the next quote asks for that.
    """
    rows = promotions_on()
    entries = [_entry(row, language) for row in rows]
    budgets = {row.public_id: row.budget_id for row in rows if row.budget_id}
    made = OfferIndex.of(each for each in entries if each is not None)
    return _Live(KnownOffers.of(made), budgets)


@lru_cache(maxsize=_KEPT)
def _entry(row: PromotionRow, language: str | None) -> Indexed | None:
    """Return a promotion as an offer; None if its recipe cannot be read."""
    try:
        recipe = read(row.kind, loads(row.recipe))
    except BadRecipe as error:
        # Checked when written; nobody shall be kept from buying by one.
        log.error("promotion %s is skipped: %s", row.public_id, error)
        return None
    return Indexed(offer_of(recipe, meta_of(promotion=row)), row.ends_at)


def with_budgets(
    offers: Iterable[Offer | FarOffers],
    *,
    request: PriceRequest,
    budgets: Mapping[str, int],
) -> list[Offer | FarOffers]:
    """Return offers told what is left of their budgets.

    Those out of reach are not: they refuse before they look at one.

    Args:
        budgets: public id -> budget, of those that have one.
    """
    found = list(offers)
    near = [each for each in found if isinstance(each, PromotionOffer)]
    wanted = {budgets[o.source_id] for o in near if o.source_id in budgets}
    left = _left_of(wanted, request)

    def told(offer: Any) -> Any:
        if not isinstance(offer, PromotionOffer):
            return offer
        budget_id = budgets.get(offer.source_id)
        if budget_id not in left:
            return offer
        return replace(offer, budget_minor=max(0, left[budget_id]))

    return [told(each) for each in found]


def _left_of(budget_ids: set[int], request: PriceRequest) -> Mapping[int, int]:
    if not budget_ids:
        return {}
    asked = ("campaigns.budgets", request.order_id, tuple(sorted(budget_ids)))
    if asked not in request.reads:
        request.reads[asked] = budgets_left(
            budget_ids=budget_ids, order_id=request.order_id
        )
    return request.reads[asked]


def meta_of(*, promotion: Promotion | PromotionRow) -> Meta:
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
    )

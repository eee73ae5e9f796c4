"""Live promotions as offers.

Promotions are made into offers once per version in each process, and put into an index
of what they need: their rows are read again only after somebody changed one, and a
quote asks only those that can match. It costs the same at one live promotion and at
ten thousand. What differs from request to request (who buys, what is left of budgets)
is told to those that can match.
"""

import logging
from collections.abc import Collection
from functools import lru_cache
from json import loads
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import get_language

from campaigns.models import Promotion
from campaigns.queries.promotions import PromotionRow, promotions_on
from campaigns.rules.index import Indexed, OfferIndex
from campaigns.rules.promotions import Promotion as PromotionOffer
from campaigns.rules.recipes import BadRecipe
from campaigns.rules.recipes_making import Meta, most_units, offer_of
from campaigns.rules.recipes_reading import read
from campaigns.services.choosing import coupons_asked_for
from campaigns.services.knowing import KnownOffers, offers_told, segments_of_buyer
from orders.rules.offers import Offer, PriceRequest
from orders.rules.quotes import FarOffers
from orders.rules.sought_goods import SoughtGoods

log = logging.getLogger(__name__)

#: So many offers stay made in a process, each once a language: a change of one
#: promotion makes that one anew, and not all.
_KEPT = 30_000


def promotions_for(request: PriceRequest) -> list[Offer | FarOffers]:
    """Return every promotion that is live at the time of a request, for its buyer."""
    return list(offers_told(known=_live_for(request), request=request))


def asks_for_audience(request: PriceRequest) -> bool:
    """Tell whether some promotions are for some buyers only."""
    return bool(_live_for(request).audiences)


def segment_audiences(request: PriceRequest) -> frozenset[str]:
    """Return the segments a buyer is in, as marks, where a price depends on them."""
    return segments_of_buyer(request, known=_live_for(request))


def goods_of_promotions(
    request: PriceRequest, *, source_ids: Collection[str]
) -> dict[str, SoughtGoods]:
    """Return which goods live promotions are about, by their public ids."""
    found = {}
    for entry in _live_for(request).index.entries:
        offer = entry.offer
        if offer.source_id in source_ids and isinstance(offer, PromotionOffer):
            goods = offer.recipe.get("recipe", {}).get("goods", {})
            found[offer.source_id] = SoughtGoods(**goods)
    return found


def _live_for(request: PriceRequest) -> KnownOffers:
    version, _coupons = coupons_asked_for(request)
    return live_offers(version, language=get_language())


@lru_cache(maxsize=8)
def live_offers(version: UUID, *, language: str | None) -> KnownOffers:
    """Return what is on as offers, in the language of the request.

    Rows read a moment after the version may be newer than it. That does no harm:
    their change has another version, and the next quote asks for that.
    """
    entries = (_entry(row, language) for row in promotions_on())
    return KnownOffers.of(OfferIndex.of(each for each in entries if each is not None))


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


def meta_of(*, promotion: Promotion | PromotionRow) -> Meta:
    """Return what the offer of a promotion is besides its recipe.

    What is left of a budget, or of the units at its price, is told later; until then
    there is nothing left.
    """
    most = most_units(promotion.limit_units, promotion.limit_member_units)
    return Meta(
        source_id=promotion.public_id,
        name=promotion.label,
        priority=promotion.priority,
        exclusive_group=promotion.exclusive_group,
        starts_at=promotion.starts_at,
        on_return=promotion.on_return,
        budget_minor=None if promotion.budget_id is None else 0,
        budget_id=promotion.budget_id,
        units_left=None if most is None else 0,
        zone=ZoneInfo(settings.SHOP_TIME_ZONE),
    )

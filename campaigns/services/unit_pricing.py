"""Live promotions on unit prices, for goods that are in no cart (S24). Writes nothing.

A page of the catalogue asks once, whatever it shows: the version of the offers, and
with it what those asked last that its goods can reach. They stand in an index of their
own, made once per version, so offers of later stages cost a page nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from django.utils.translation import get_language

from campaigns.queries.quoting import version_and_coupons
from campaigns.rules.needs import Needs
from campaigns.services.knowing import (
    KnownOffers,
    asks_for_segment,
    facts_for,
    remember,
    segments_of_buyer,
)
from campaigns.services.offering import live_offers
from orders.rules.offers import Offer, PriceRequest, Stage

#: The offers on unit prices that the last page in each language met, in this process.
_LAST: dict[str | None, KnownOffers] = {}
#: Where a request keeps the version it was told.
_READ = "campaigns.units"


def offers_on_units(request: PriceRequest) -> Sequence[Sequence[Offer]]:
    """Return of each line what may lower its unit price where it is bought alone."""
    known = _live_for(request)
    if not known.index.entries:
        return [()] * len(request.lines)
    found = [known.index.near(replace(request, lines=(e,))) for e in request.lines]
    each_once = {id(offer): offer for near in found for offer in near}
    facts = facts_for(request, needs=known.needs_for(each_once.values()))
    for key in each_once.keys() & known.needs.keys():
        each_once[key] = each_once[key].told(facts)
    return [[each_once[id(offer)] for offer in near] for near in found]


def units_ask_for_audience(request: PriceRequest) -> bool:
    """Tell whether some unit prices are for some buyers only."""
    return bool(_live_for(request).audiences)


def is_price_list(request: PriceRequest) -> bool:
    """Tell whether a request is about goods that are in no cart."""
    return _READ in request.reads


def segments_for_units(request: PriceRequest) -> frozenset[str]:
    """Return the segments of a buyer, as marks, where a unit price depends on them."""
    return segments_of_buyer(request, known=_live_for(request))


def _live_for(request: PriceRequest) -> KnownOffers:
    if _READ not in request.reads:
        version, told, _coupons = version_and_coupons(
            member_id=request.member_id,
            codes=(),
            needs=_expected_needs(request),
            at=request.now,
        )
        remember(request, told=told)
        request.reads[_READ] = version
    known = _live(request.reads[_READ], get_language())
    _LAST[get_language()] = known
    return known


@lru_cache(maxsize=8)
def _live(version: UUID, language: str | None) -> KnownOffers:
    return KnownOffers.of(live_offers(version, language=language).index.at(Stage.PRICE))


def _expected_needs(request: PriceRequest) -> Needs:
    """Return what the page will want to know, as far as the last version tells."""
    known = _LAST.get(get_language())
    segments = Needs(segments=asks_for_segment(request, known=known))
    if known is None or not known.needs:
        return segments
    # What the buyer belongs to is not known yet.
    lenient = replace(request, audiences=request.audiences | known.audiences)
    return segments | known.needs_for(known.index.near(lenient))

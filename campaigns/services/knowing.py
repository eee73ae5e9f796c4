"""What a quote tells its offers about buyer and shop (C12, S16, S17). Writes nothing.

A quote has one statement for campaigns, and it goes out before anybody knows which
version of the offers is live. So it reads what the offers of the last known version
ask that the cart can reach; only when that was another one a second statement follows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import get_language

from campaigns.queries.quoting import told_of
from campaigns.rules.conditions import Facts
from campaigns.rules.index import OfferIndex
from campaigns.rules.needs import NOTHING, SEGMENT, Needs, Told, all_of
from campaigns.services.first_orders import buys_first, take_as_first
from orders.rules.offers import Offer, PriceRequest
from orders.rules.prices import ANY_MEMBER
from orders.rules.quotes import FarOffers


@dataclass(frozen=True, slots=True)
class KnownOffers:
    """The offers of one version with what they ask."""

    index: OfferIndex
    #: By ``id()`` of the offers; those that ask nothing are not in it.
    needs: Mapping[int, Needs]
    #: What a buyer may belong to that any of them asks, and codes, as marks.
    audiences: frozenset[str]
    codes: frozenset[str]

    @classmethod
    def of(cls, index: OfferIndex) -> "KnownOffers":
        """Look once what all of them ask."""
        asking = (each for each in index.entries if each.needs is not None)
        needs = {id(each.offer): each.needs for each in asking}
        asks = all_of(needs.values())
        return cls(index, needs, asks.audiences, asks.codes)

    def needs_for(self, offers: Iterable[Any]) -> Needs:
        """Return what some of the offers ask together."""
        return all_of(self.needs.get(id(each), NOTHING) for each in offers)


#: The offers that the last quote in each language met, in this process.
_LAST: dict[str | None, KnownOffers] = {}


def expected_needs(request: PriceRequest) -> Needs:
    """Return what a quote will want to know, as far as the last version tells."""
    known = _LAST.get(get_language())
    segments = Needs(segments=asks_for_segment(request, known=known))
    if known is None or not known.needs:
        return segments
    # What the buyer belongs to is not known yet: gifts of any tier are looked up.
    lenient = replace(request, audiences=request.audiences | known.audiences)
    return segments | _needs_of_all(known, _reached(known, lenient))


def asks_for_segment(request: PriceRequest, *, known: KnownOffers | None) -> bool:
    """Tell whether a price depends on the segments of its buyer."""
    if request.member_id is None:
        return False
    prices = (option for line in request.lines for option in line.prices)
    asked = {option.audience for option in prices} | (
        known.audiences if known else frozenset()
    )
    return any(mark.startswith(SEGMENT) for mark in asked)


def segments_of_buyer(request: PriceRequest, *, known: KnownOffers) -> frozenset[str]:
    """Return the marks of the segments a buyer is in, where a price depends on them."""
    if not asks_for_segment(request, known=known):
        return frozenset()
    return _told_about(request, Needs(segments=True)).segments


def remember(request: PriceRequest, *, told: Told) -> None:
    """Keep what was read for a request, for all who ask."""
    asked = _asked(request)
    request.reads[asked] = request.reads.get(asked, Told()) | told


def take_as_told(request: PriceRequest, *, told: Told) -> None:
    """Price a request of another day by what is known of it, and ask nothing more."""
    remember(request, told=told)
    take_as_first(request, is_first=told.orders_before == 0)


def offers_told(
    *, known: KnownOffers, request: PriceRequest
) -> Sequence[Offer | FarOffers]:
    """Return the offers a request may reach, each told what it asks.

    They are the very same ones where a request differs by codes that none of them asks.
    """
    _LAST[get_language()] = known
    found = _reached(known, request)
    if not known.needs:
        return found
    facts = facts_for(request, needs=_needs_of_all(known, found))
    kept = request.reads.get("campaigns.offers_told")
    if kept is None or kept[0] is not found or kept[1] != facts:
        told = [_told(known, each, request, facts) for each in found]
        request.reads["campaigns.offers_told"] = kept = (found, facts, told)
    return kept[2]


def facts_for(request: PriceRequest, *, needs: Needs) -> Facts:
    """Return what offers ask about a request; reads what nobody has read so far.

    Units of a gift that the cart itself buys are not to be given away (S17).
    """
    told = _told_about(request, needs)
    marks = _codes_in(request) & needs.codes
    return Facts(
        now=request.now,
        channel=request.channel_code,
        groups=request.audiences,
        marks=marks | request.audiences,
        is_known=request.member_id is not None or ANY_MEMBER in request.audiences,
        orders_before=_orders_before(request, needs, told),
        last_order_at=told.last_order_at,
        stock=_stock(request, told) if needs.gifts else {},
        articles=told.articles,
        budgets_left=told.budgets_left,
        units_left=told.units_left,
    )


def _orders_before(request: PriceRequest, needs: Needs, told: Told) -> int:
    """Return how many orders were before; one by another name counts as one (C12)."""
    asks = needs.orders and request.member_id is not None
    if told.orders_before or not asks or buys_first(request):
        return told.orders_before
    return 1


def _told_about(request: PriceRequest, needs: Needs) -> Told:
    """Return what is known of buyer and shop; reads what nobody has read so far."""
    told = request.reads.get(_asked(request), Told())
    if not told.needs.covers(needs):
        member_id, order_id = request.member_id, request.order_id
        told |= told_of(member_id=member_id, order_id=order_id, needs=needs)
        request.reads[_asked(request)] = told
    return told


def _stock(request: PriceRequest, told: Told) -> dict[str, int]:
    """Return the units left of gifts; those not in the catalogue have none."""
    bought: dict[str, int] = {}
    for line in request.lines:
        bought[line.sku] = bought.get(line.sku, 0) + line.quantity
    stock = dict.fromkeys(told.needs.gifts - set(told.articles), 0)
    for sku, article in told.articles.items():
        if article.free is not None:
            stock[sku] = article.free - bought.get(sku, 0)
    return stock


def _asked(request: PriceRequest) -> tuple[object, ...]:
    return ("campaigns.told", request.member_id, request.order_id)


def _reached(known: KnownOffers, request: PriceRequest) -> list[Any]:
    """Return the offers within reach; asked again for the same, the same ones."""
    codes = _codes_in(request) & known.codes
    asked = (codes, request.audiences, request.now)
    kept = request.reads.get("campaigns.reached")
    # Lines are compared by identity: they are many, and handed on as they are.
    if kept and kept[0] is known and kept[1] is request.lines and kept[2] == asked:
        return kept[3]
    found = known.index.offers_for(request)
    request.reads["campaigns.reached"] = (known, request.lines, asked, found)
    return found


def _needs_of_all(known: KnownOffers, found: Sequence[Any]) -> Needs:
    """Return what the offers within reach ask, and the closest ones beyond it."""
    closest = (each.closest for each in found if isinstance(each, FarOffers))
    near = (each for each in found if not isinstance(each, FarOffers))
    return known.needs_for(near) | _to_apply(known, filter(None, closest))


def _to_apply(known: KnownOffers, beyond: Iterable[Any]) -> Needs:
    """Return what offers beyond reach ask: when they apply, not what they bring."""
    asked = known.needs_for(beyond)
    return Needs(orders=asked.orders, codes=asked.codes)


def _codes_in(request: PriceRequest) -> frozenset[str]:
    return frozenset(f"code:{code}" for code in request.coupon_codes)


def _told(known: KnownOffers, offer: Any, request: PriceRequest, facts: Facts) -> Any:
    """Return an offer that knows what it asks."""
    if isinstance(offer, FarOffers):
        return _far_told(known, offer, request, facts)
    return offer.told(facts) if id(offer) in known.needs else offer


def _far_told(
    known: KnownOffers, far: FarOffers, request: PriceRequest, facts: Facts
) -> FarOffers:
    def listed() -> list[Any]:
        offers = list(far.listed())
        all_facts = facts_for(request, needs=_to_apply(known, offers))
        return [_told(known, each, request, all_facts) for each in offers]

    closest = far.closest
    if closest is not None:
        closest = _told(known, closest, request, facts)
    return FarOffers(far.stage, listed, closest)

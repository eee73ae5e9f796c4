"""Why an offer or a code does nothing on a cart, and the nearest path to it.

Writes nothing but counts of wrong codes. However many offers are live, the database is
asked as often; and no more than ``MOST_TRIALS`` changed carts are priced.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from orders.models import Cart
from orders.queries.sought_goods import cheapest_of
from orders.rules.holdings import Holding
from orders.rules.lines import PriceLine
from orders.rules.nearest import (
    GOODS_MISSING,
    UNITS_MISSING,
    Path,
    Paths,
    Trials,
    trials_worth,
)
from orders.rules.offers import Applied, Offer, PriceRequest
from orders.rules.quotes import NotApplied, Quote
from orders.rules.sought_goods import SoughtGoods
from orders.services.carts import CouponRefused
from orders.services.guessing import WRONG, Guesser, counted_try
from orders.services.quoting import (
    PricedCart,
    offer_sources,
    priced_cart,
    quote_request,
)

#: Offers of each list a path is looked for; the others are told without.
MOST_EXAMINED = 20
#: Offers told of each kind; the others are counted.
MOST_TOLD = 200
_WANTS_GOODS = frozenset({GOODS_MISSING, UNITS_MISSING})


@dataclass(frozen=True, slots=True)
class Told:
    """An offer that does nothing, why, and what would bring it, if anything known."""

    entry: NotApplied
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class ToldHolding:
    """Something the buyer holds, and what would bring it where it does nothing."""

    holding: Holding
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every offer that concerns a cart, in the one of three lists it belongs to."""

    priced: PricedCart
    applied: tuple[Applied, ...]
    refused: tuple[Told, ...]
    #: Gave way to another one.
    skipped: tuple[Told, ...]
    #: What the buyer has beside the cart, the best first (C20).
    holdings: tuple[ToldHolding, ...] = ()
    #: How many more were refused than are told.
    left_out: int = 0


class _CodeUnknown(CouponRefused):
    """A code that is not valid for who typed it; carries the whole answer."""

    def __init__(self, told: Explanation):
        super().__init__(told.refused[0].entry.why)
        self.told = told


def explain_cart(*, cart: Cart, now: datetime) -> Explanation:
    """Tell of every offer and code that concerns a cart what it does, or why not.

    Those that spending would bring stand first, the nearest in front.
    """
    priced = priced_cart(cart=cart, now=now)
    quote = priced.quote
    refused = sorted(quote.refused, key=_nearness)
    trials = Trials(quote_request, trials_worth(quote))
    skipped = _told(priced.request, quote.skipped, trials)
    rest = _told(priced.request, refused, trials)
    return Explanation(
        priced=priced,
        applied=quote.applied,
        refused=tuple(rest[:MOST_TOLD]),
        skipped=tuple(skipped[:MOST_TOLD]),
        holdings=tuple(_holdings(priced.request, trials)),
        left_out=max(0, len(rest) - MOST_TOLD),
    )


def explain_code(
    *, cart: Cart, code: str, guesser: Guesser, now: datetime
) -> Explanation:
    """Tell what one code does to a cart, or why nothing, as if it were entered.

    Wrong codes are counted as where they are entered (C5).

    Raises:
        TooOften: too many wrong codes in ten minutes.
    """

    def work() -> Explanation:
        told = read_code(cart=cart, code=code, now=now)
        if told.refused and told.refused[0].entry.why.code == WRONG:
            raise _CodeUnknown(told)
        return told

    try:
        return counted_try(work, guesser=guesser, now=now)
    except _CodeUnknown as unknown:
        return unknown.told


def read_code(*, cart: Cart, code: str, now: datetime) -> Explanation:
    """Tell of one code what ``explain_code`` tells, for staff: nothing is counted."""
    found = priced_cart(cart=cart, now=now)
    codes = tuple(dict.fromkeys((*found.request.coupon_codes, code)))
    request = replace(found.request, coupon_codes=codes)
    priced = replace(found, request=request, quote=quote_request(request))
    mine = _about_code(request, code)
    quote = priced.quote
    trials = Trials(quote_request, trials_worth(quote))

    def told(entries: Iterable[NotApplied]) -> tuple[Told, ...]:
        near = [each for each in entries if _name(each) in mine]
        return tuple(_told(request, near, trials))

    return Explanation(
        priced=priced,
        applied=tuple(each for each in quote.applied if _name(each) in mine),
        refused=told(quote.refused),
        skipped=told(quote.skipped),
    )


def _about_code(request: PriceRequest, code: str) -> frozenset[tuple[str, str]]:
    """Return the offers that are there, or apply, for the sake of a code."""
    alone = quote_request(replace(request, coupon_codes=(code,)))
    without = quote_request(replace(request, coupon_codes=()))
    applied = {_name(each) for each in alone.applied}
    applied -= {_name(each) for each in without.applied}
    return frozenset(applied | (_near(alone) - _near(without)))


def _near(quote: Quote) -> set[tuple[str, str]]:
    every = (*quote.applied, *quote.turned_down, *quote.skipped)
    far = (each for one in quote.unreached for each in one.offers)
    return {_name(each) for each in (*every, *far)}


def _name(each: Applied | NotApplied | Offer) -> tuple[str, str]:
    return (each.source_kind, each.source_id)


def _nearness(entry: NotApplied) -> tuple[object, ...]:
    missing = entry.why.params.get("missing_minor")
    return (missing is None, missing or 0, entry.source_kind, entry.source_id)


def _told(
    request: PriceRequest, entries: Sequence[NotApplied], trials: Trials
) -> list[Told]:
    """Look for paths to as many offers as may be examined."""
    examined = entries[:MOST_EXAMINED]
    paths = _paths(request, examined, trials)
    return [
        *(Told(each, paths.to(each)) for each in examined),
        *(Told(each) for each in entries[MOST_EXAMINED:]),
    ]


def _paths(
    request: PriceRequest, entries: Sequence[NotApplied], trials: Trials
) -> Paths:
    reachable: list[tuple[str, str]] = []
    if any(each.why.code == "not_for_you" for each in entries):
        for source in offer_sources():
            asked: Callable | None = getattr(source, "reachable", None)
            reachable += asked(request) if asked else ()
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    return Paths(request, trials, zone, reachable, _sought(request, entries))


def _sought(
    request: PriceRequest, entries: Iterable[NotApplied]
) -> Mapping[tuple[str, str], PriceLine]:
    """Return the cheapest goods of offers that the cart has too few of (one statement).

    Each as one unit, by the offer's kind and id; it stands nowhere in the cart yet.
    """
    wanting = [_name(each) for each in entries if each.why.code in _WANTS_GOODS]
    named: dict[tuple[str, str], SoughtGoods] = {}
    for source in offer_sources() if wanting else ():
        asked: Callable | None = getattr(source, "sought", None)
        mine = [pk for kind, pk in wanting if kind == source.source_kind]
        for pk, goods in asked(request, mine).items() if asked and mine else ():
            named[source.source_kind, pk] = goods
    if not named:
        return {}
    found = cheapest_of(
        list(named.values()), channel=request.channel_code, at=request.now
    )
    return {
        name: found[place].priced_at(0)
        for place, name in enumerate(named)
        if place in found
    }


def _holdings(request: PriceRequest, trials: Trials) -> list[ToldHolding]:
    found: list[Holding] = []
    for source in offer_sources():
        asked: Callable | None = getattr(source, "holdings", None)
        found += asked(request) if asked else ()
    told = []
    for place, each in enumerate(found):
        path = None
        if each.why is not None and place < MOST_EXAMINED:
            entry = NotApplied(each.source_kind, each.source_id, each.name, each.why)
            alone = replace(request, coupon_codes=(each.code,))
            path = _paths(alone, [entry], trials).to(entry)
        told.append(ToldHolding(each, path))
    return told

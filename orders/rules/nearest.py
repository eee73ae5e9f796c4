"""The nearest path to an offer that did nothing: the least change that brings it.

A path is never guessed. Every change is tried by pricing the changed cart through the
one pricing function, and told only if the offer applies to it. Plain Python.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orders.rules.lines import PriceLine
from orders.rules.offers import Applied, PriceRequest, Refused
from orders.rules.prices import ANY_MEMBER
from orders.rules.quotes import NotApplied, Quote

#: Carts priced for all paths of one answer together: fewer where each of them asks
#: many offers about many lines, but always some.
MOST_TRIALS, LEAST_TRIALS = 60, 5
#: Lines times offers within reach, of all those carts.
MOST_WORK = 60_000
#: Lines whose units are added in turn, the cheapest change first.
MOST_LINES = 8
#: How often an amount is corrected: spending more may lower what counts.
_ROUNDS = 3
#: Sets that miss something are tried with up to so many units more.
_MOST_MISSING = 3

#: Refusals that goods of the offer may help against, if somebody looks for them.
GOODS_MISSING, UNITS_MISSING = "products_not_in_cart", "quantity_not_met"
_WANTS_SPEND = frozenset({"threshold_not_met", "coupon_min_spend_not_met"})
_WANTS_SOMEBODY = frozenset({"not_for_you", "customer_unknown"})
_TOO_FEW_POINTS = ("points_below_step", "points_below_minimum")
_GAVE_WAY = frozenset(
    {
        *("exclusive_group", "not_combinable", "alone"),
        *("alone_saves_less", "better_without"),
    }
)


@dataclass(frozen=True, slots=True)
class Path:
    """A change that brings an offer.

    ``code`` and ``params`` say which, as those of ``Refused``; ``saves_minor`` is what
    the offer takes off then, ``total_minor`` what is to be paid then. The offer may
    save more than the cart gets cheaper: others may give way to it.
    """

    code: str
    params: dict[str, Any]
    saves_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class _Change:
    """One thing the buyer could do, and the cart after it."""

    code: str
    params: dict[str, Any]
    request: PriceRequest


def trials_worth(quote: Quote) -> int:
    """Return how many carts like one that was priced may be priced for its paths."""
    offers = len(quote.applied) + len(quote.turned_down) + len(quote.skipped)
    work = max(1, len(quote.lines)) * max(1, offers)
    return max(LEAST_TRIALS, min(MOST_TRIALS, MOST_WORK // work))


@dataclass(slots=True)
class Trials:
    """Prices changed carts, each once, and no more of them than are left."""

    #: The pricing function with everything it needs.
    price: Callable[[PriceRequest], Quote]
    left: int = MOST_TRIALS
    _priced: dict[PriceRequest, Quote] = field(default_factory=dict)

    def quote(self, request: PriceRequest) -> Quote | None:
        """Return what a cart costs; None when none may be priced any more."""
        quote = self._priced.get(request)
        if quote is None and self.left > 0:
            self.left -= 1
            quote = self._priced[request] = self.price(request)
        return quote


@dataclass(frozen=True, slots=True)
class Paths:
    """Looks for paths from one cart."""

    request: PriceRequest
    trials: Trials
    zone: ZoneInfo
    #: What the buyer may come to belong to, the nearest first, as ``(mark, name)``.
    reachable: Sequence[tuple[str, str]] = ()
    #: The cheapest goods that go with an offer, by its kind and id: one unit.
    sought: Mapping[tuple[str, str], PriceLine] = field(default_factory=dict)

    def to(self, entry: NotApplied) -> Path | None:
        """Return the least change that brings an offer; None where none is known."""
        why = entry.why
        if why.code in _WANTS_SPEND and "missing_minor" in why.params:
            return self._by_spending(entry, why.params["missing_minor"])
        if why.code == GOODS_MISSING:
            return self._by_putting_in(entry, 1)
        if why.code == UNITS_MISSING:
            missing = why.params.get("missing", 1)
            path = self._by_units(entry, lambda _line: missing)
            return path or self._by_putting_in(entry, missing)
        return self._first(entry, self._single_changes(why))

    def _by_spending(self, entry: NotApplied, missing_minor: int) -> Path | None:
        """Spend more on whatever goods; else on more of what is in the cart."""
        for _round in range(_ROUNDS):
            answer = self._try(entry, _spend_more(self.request, missing_minor))
            if isinstance(answer, Path):
                return answer
            more = answer.params.get("missing_minor") if answer else None
            if not isinstance(more, int) or more <= 0:
                break
            missing_minor += more
        wanted = entry.why.params["missing_minor"]
        return self._by_units(
            entry, lambda line: -(-wanted // max(line.unit_price_minor, 1))
        )

    def _by_units(
        self, entry: NotApplied, count: Callable[[PriceLine], int]
    ) -> Path | None:
        """Add units of one line: of the line that costs least so."""
        lines = [
            (line, line.at_best_price(self.request.audiences))
            for line in self.request.lines
            if line.kind == "goods" and not line.is_closed
        ]
        wishes = sorted(
            (count(priced) * priced.unit_price_minor, line.position, count(priced))
            for line, priced in lines
        )
        return self._first(
            entry,
            (
                _add_units(self.request, position, units)
                for _cost, position, units in wishes[:MOST_LINES]
                if units > 0
            ),
        )

    def _by_putting_in(self, entry: NotApplied, units: int) -> Path | None:
        """Put goods of the offer into the cart, and as many more as it then misses."""
        line = self.sought.get((entry.source_kind, entry.source_id))
        if line is None:
            return None
        price = line.at_best_price(self.request.audiences).unit_price_minor
        for _round in range(_ROUNDS):
            answer = self._try(entry, _put_in(self.request, line, units))
            if answer is None or isinstance(answer, Path):
                return answer
            more = _units_missing(answer, price)
            if more <= 0:
                break
            units += more
        return None

    def _single_changes(self, why: Refused) -> Iterator[_Change]:
        """Yield what may help against a refusal, the least change first."""
        request, params = self.request, why.params
        if why.code in _WANTS_SOMEBODY:
            yield from self._to_belong()
        elif why.code == "coupon_not_started":
            yield from _come_later(request, params.get("from", ""), self.zone)
        elif why.code in _TOO_FEW_POINTS and params.get("step"):
            yield _spend_points(request, params["step"])
        elif why.code == "set_not_complete":
            for units in range(1, _MOST_MISSING + 1):
                for line in request.lines[:MOST_LINES]:
                    yield _add_units(request, line.position, units)
        elif why.code in _GAVE_WAY:
            for code in request.coupon_codes:
                yield _remove_code(request, code)

    def _to_belong(self) -> Iterator[_Change]:
        """Become known first, then climb."""
        request = self.request
        if request.member_id is None:
            audiences = request.audiences | {ANY_MEMBER}
            yield _Change("sign_in", {}, replace(request, audiences=audiences))
            return
        for mark, name in self.reachable:
            audiences = request.audiences | {ANY_MEMBER, mark}
            changed = replace(request, audiences=audiences)
            yield _Change("reach_tier", {"tier": name}, changed)

    def _first(self, entry: NotApplied, changes: Iterable[_Change]) -> Path | None:
        for change in changes:
            answer = self._try(entry, change)
            if isinstance(answer, Path):
                return answer
        return None

    def _try(self, entry: NotApplied, change: _Change) -> Path | Refused | None:
        """Price a changed cart: the path, or why the offer still does nothing."""
        quote = self.trials.quote(change.request)
        if quote is None:
            return None
        applied = _applied(quote, entry)
        if applied is not None:
            saves, total = applied.amount_minor, quote.total_minor
            return Path(change.code, change.params, saves, total)
        near = (*quote.turned_down, *quote.skipped)
        return next((each.why for each in near if _is_same(each, entry)), None)


def _applied(quote: Quote, entry: NotApplied) -> Applied | None:
    return next((each for each in quote.applied if _is_same(each, entry)), None)


def _is_same(one: Applied | NotApplied, other: NotApplied) -> bool:
    return (one.source_kind, one.source_id) == (other.source_kind, other.source_id)


def _spend_more(request: PriceRequest, amount_minor: int) -> _Change:
    """Put goods of no particular kind into the cart."""
    last = max((line.position for line in request.lines), default=0)
    goods = PriceLine(
        position=last + 1,
        variant_id=0,
        product_id=0,
        category_id=None,
        sku="",
        name="",
        kind="goods",
        quantity=1,
        unit_price_minor=amount_minor,
    )
    changed = replace(request, lines=(*request.lines, goods))
    return _Change("spend_more", {"missing_minor": amount_minor}, changed)


def _add_units(request: PriceRequest, position: int, units: int) -> _Change:
    lines = tuple(
        replace(line, quantity=line.quantity + units)
        if line.position == position
        else line
        for line in request.lines
    )
    line = next(line for line in lines if line.position == position)
    params = {"missing": units, "sku": line.sku, "product": line.name}
    return _Change("add_units", params, replace(request, lines=lines))


def _units_missing(why: Refused, unit_price_minor: int) -> int:
    """Return how many units more an offer asks for; 0 where units are not missing."""
    if why.code == UNITS_MISSING:
        return why.params.get("missing", 1)
    if why.code in _WANTS_SPEND:
        return -(-why.params.get("missing_minor", 0) // max(unit_price_minor, 1))
    return 1 if why.code == "set_not_complete" else 0


def _put_in(request: PriceRequest, line: PriceLine, units: int) -> _Change:
    """Put goods into the cart that are not in it."""
    for each in request.lines:
        if each.sku == line.sku and not each.is_closed:
            return _add_units(request, each.position, units)
    last = max((each.position for each in request.lines), default=0)
    goods = replace(line, position=last + 1, quantity=units)
    params = {"missing": units, "sku": line.sku, "product": line.name}
    changed = replace(request, lines=(*request.lines, goods))
    return _Change("add_goods", params, changed)


def _come_later(request: PriceRequest, text: str, zone: ZoneInfo) -> Iterator[_Change]:
    """Come when it begins; the text has no seconds, so perhaps a minute later."""
    try:
        begins_at = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    except ValueError:
        return
    for wait in (timedelta(), timedelta(minutes=1)):
        at = begins_at + wait
        yield _Change(
            "come_later", {"from": f"{at:%Y-%m-%d %H:%M}"}, replace(request, now=at)
        )


def _spend_points(request: PriceRequest, points: int) -> _Change:
    changed = replace(request, points_to_spend=points)
    return _Change("spend_points", {"points": points}, changed)


def _remove_code(request: PriceRequest, code: str) -> _Change:
    codes = tuple(each for each in request.coupon_codes if each != code)
    return _Change("remove_code", {"code": code}, replace(request, coupon_codes=codes))

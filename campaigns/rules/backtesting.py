"""What a draft would have made of one order of the past. Plain Python.

The order is priced twice by the pricing function of checkouts: with the offers it had,
and with the draft besides. Only an order that the first of them prices as it was says
anything about the second.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from campaigns.rules.conditions import Facts
from campaigns.rules.promotions import NO_UNITS_LEFT, Promotion, SpendAndSave
from orders.rules.gifts import known_article
from orders.rules.lines import StageLine
from orders.rules.offers import Applied, Offer, PriceRequest, Reduction, Refused, Stage
from orders.rules.pricing import price_cart
from orders.rules.quotes import Quote

#: Kind and id of an offer.
Key = tuple[str, str]
#: What an offer takes off lines: ``(position, amount_minor)``.
Shares = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class KeptAmount(Offer):
    """An offer that nobody can make again: it takes what it took.

    Where a line has no longer so much left, the rest comes off the other lines that it
    lowered, as with points: who pays with them pays as much, and no more than is due.
    """

    stage: Stage
    source_kind: str
    source_id: str
    name: str
    shares: Shares
    priority: int = 0
    exclusive_group: str = ""

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Take the shares of that day."""
        return Reduction(
            amount_minor=sum(amount for _at, amount in self.shares),
            positions=tuple(position for position, _amount in self.shares),
            shares=self.shares,
        )


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order as the pricing function can price it again."""

    public_id: str
    #: Of the shop's calendar, on which it was placed.
    day: date
    request: PriceRequest
    facts: Facts
    offers: tuple[Offer, ...]
    #: What it came to, delivery included, and what each offer took off.
    total_minor: int
    taken: Mapping[Key, int]
    #: What the gifts of an offer cost the shop; None is not known.
    gift_costs: Mapping[Key, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """The draft, and what is left of its budget, uses and units for the next order.

    Its own ``units_left`` is the most that one order gets.

    One that changes something published goes by its name, and takes its place.
    """

    offer: SpendAndSave | Promotion
    left_minor: int | None = None
    left_uses: int | None = None
    left_units: int | None = None

    @property
    def key(self) -> Key:
        """Return what it is called in a quote."""
        return self.offer.source_kind, self.offer.source_id

    def told(self, facts: Facts) -> list[Any]:
        """Return the offer for one buyer and moment; nothing once it is used up."""
        if self.left_uses == 0:
            return []
        if not isinstance(self.offer, Promotion):
            return [self.offer]
        told = self.offer.told(facts)
        if self.left_minor is not None:
            told = replace(told, budget_minor=max(0, self.left_minor))
        if self.left_units is not None and told.units_left is not None:
            left = min(self.left_units, told.units_left)
            told = replace(told, units_left=max(0, left))
        return [told]


@dataclass(frozen=True, slots=True)
class Displaced:
    """An offer of an order that takes less beside the draft, or nothing."""

    source_kind: str
    source_id: str
    name: str
    is_gone: bool
    less_minor: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order as it was, and as it would have been."""

    public_id: str
    day: date
    #: Goods and delivery before any offer; and what was, and would be, to be paid.
    gross_minor: int
    before_minor: int
    after_minor: int
    #: What the draft takes off, and whether it applies (a gift takes nothing off).
    cost_minor: int = 0
    applies: bool = False
    #: How many units of goods it lowers.
    units: int = 0
    #: What the promotion in whose place it stands took off that day.
    replaced_minor: int = 0
    #: What is left after the cost of goods and gifts; None where that is not known.
    margin_before_minor: int | None = None
    margin_after_minor: int | None = None
    displaced: tuple[Displaced, ...] = ()
    #: There was no longer as much left of its budget as it would have taken.
    is_short: bool = False

    @property
    def change_minor(self) -> int:
        """Return what the buyer pays more; negative is less."""
        return self.after_minor - self.before_minor

    @property
    def is_touched(self) -> bool:
        """Tell whether anything is different for this order."""
        return self.applies or bool(self.change_minor or self.displaced)


def replay(order: PastOrder, tried: Tried) -> Outcome | None:
    """Return what the draft would have made of an order.

    Returns:
        None where the offers of that day do not make the price of that day: the
        catalogue has changed since, or their terms were not kept.
    """
    as_it_was = price_cart(order.request, order.offers)
    before = {_key(each): each for each in as_it_was.applied}
    taken = {key: each.amount_minor for key, each in before.items()}
    is_same = _amounts(taken) == _amounts(order.taken)
    if as_it_was.total_minor != order.total_minor or not is_same:
        return None
    others = [
        each for each in order.offers if (each.source_kind, each.source_id) != tried.key
    ]
    quote = price_cart(order.request, [*others, *tried.told(order.facts)])
    after = {_key(each): each for each in quote.applied}
    mine = after.get(tried.key)
    return Outcome(
        public_id=order.public_id,
        day=order.day,
        gross_minor=_gross(order.request),
        before_minor=order.total_minor,
        after_minor=quote.total_minor,
        cost_minor=mine.amount_minor if mine else 0,
        applies=mine is not None,
        units=mine.units if mine else 0,
        replaced_minor=taken.get(tried.key, 0),
        margin_before_minor=_margin(as_it_was, order.gift_costs.values()),
        margin_after_minor=_margin(
            quote, _gift_costs(order, gone=before.keys() - after.keys(), mine=mine)
        ),
        displaced=tuple(
            _displaced(each, after.get(key))
            for key, each in before.items()
            if key != tried.key and _gives_less(each, after.get(key))
        ),
        is_short=_is_short(quote, mine, tried),
    )


def _key(applied: Applied) -> Key:
    return applied.source_kind, applied.source_id


def _amounts(taken: Mapping[Key, int]) -> dict[Key, int]:
    """Return what was taken off, without offers that brought gifts alone."""
    return {key: amount for key, amount in taken.items() if amount}


def _gross(request: PriceRequest) -> int:
    return sum(line.gross_minor for line in (*request.lines, *request.charges))


def _gives_less(before: Applied, after: Applied | None) -> bool:
    return after is None or after.amount_minor < before.amount_minor


def _displaced(before: Applied, after: Applied | None) -> Displaced:
    return Displaced(
        source_kind=before.source_kind,
        source_id=before.source_id,
        name=before.name,
        is_gone=after is None,
        less_minor=before.amount_minor - (after.amount_minor if after else 0),
    )


def _is_short(quote: Quote, mine: Applied | None, tried: Tried) -> bool:
    if mine is not None:
        money, units = tried.left_minor, tried.left_units
        is_last = money is not None and mine.amount_minor >= money
        return is_last or (units is not None and mine.units >= units)
    return any(
        (each.source_kind, each.source_id) == tried.key
        and each.why.code in {"budget_exceeded", NO_UNITS_LEFT}
        for each in quote.turned_down
    )


def _gift_costs(
    order: PastOrder, *, gone: Set[Key], mine: Applied | None
) -> list[int | None]:
    """Return what gifts cost beside the draft: those that stay, and its own."""
    kept = [cost for key, cost in order.gift_costs.items() if key not in gone]
    for gift in mine.gifts if mine else ():
        cost = known_article(gift).cost_minor
        kept.append(None if cost is None else cost * gift.quantity)
    return kept


def _margin(quote: Quote, gift_costs: Iterable[int | None]) -> int | None:
    """Return what is left of an order after the cost of its goods and gifts."""
    margin = quote.total_minor
    for each in quote.lines:
        if each.line.cost_minor is None:
            return None
        margin -= each.line.cost_minor * each.line.quantity
    for cost in gift_costs:
        if cost is None:
            return None
        margin -= cost
    return margin

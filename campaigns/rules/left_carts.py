"""What a draft would have made of carts that were left. Plain Python.

A cart keeps no terms: it is priced with what is live today, and with the draft besides,
by the pricing function of checkouts. Nobody bought it, so nothing of it is a cost.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from campaigns.rules.backtest_totals import STEPS, step_of
from campaigns.rules.backtesting import Tried
from campaigns.rules.conditions import Facts
from orders.rules.freight import FreightRule
from orders.rules.offers import Offer, PriceRequest
from orders.rules.pricing import price_cart
from orders.rules.quotes import FarOffers, NotApplied, Quote, Unreached

#: A cart nearly reaches a threshold when at most this part of it is missing.
_NEAR_BP, _WHOLE_BP = 2_000, 10_000


@dataclass(frozen=True, slots=True)
class LeftCart:
    """A cart as the pricing function can price it at the moment it was left."""

    #: Of the shop's calendar, on which it was changed last.
    day: date
    request: PriceRequest
    facts: Facts
    #: What is live today and may lower it.
    offers: tuple[Offer | FarOffers, ...]
    freight: FreightRule


@dataclass(frozen=True, slots=True)
class CartOutcome:
    """One cart as it would be priced, and as it would be with the draft."""

    day: date
    before_minor: int
    after_minor: int
    #: Whether the draft applies (a gift takes nothing off).
    applies: bool
    #: What is missing to the draft's threshold where that is little; else 0.
    missing_minor: int = 0

    @property
    def less_minor(self) -> int:
        """Return what the cart costs less; negative is more."""
        return self.before_minor - self.after_minor


@dataclass(slots=True)
class CartTotals:
    """The sums of the carts of a back-test; every amount in minor units.

    Bounded and plain JSON, as ``backtest_totals.Totals`` is, and apart from it.
    """

    carts: int = 0
    #: Carts that the draft applies to; and those that cost less or more with it.
    applied: int = 0
    lower: int = 0
    lower_minor: int = 0
    dearer: int = 0
    dearer_minor: int = 0
    #: Carts that nearly reach its threshold, and what they miss together.
    near: int = 0
    missing_minor: int = 0
    #: Carts by the share of their price that they would have saved.
    saved: list[int] = field(default_factory=lambda: [0] * STEPS)
    #: Day, ISO -> carts, carts that cost less, how much less, carts nearly there.
    days: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "CartTotals":
        """Return totals as ``as_json`` wrote them."""
        return cls(**kept)

    def as_json(self) -> dict[str, Any]:
        """Return them as plain values."""
        return asdict(self)

    def add(self, outcome: CartOutcome) -> None:
        """Count one cart more."""
        less = outcome.less_minor
        self.carts += 1
        self.applied += outcome.applies
        self.lower += less > 0
        self.lower_minor += max(0, less)
        self.dearer += less < 0
        self.dearer_minor += max(0, -less)
        self.near += outcome.missing_minor > 0
        self.missing_minor += outcome.missing_minor
        self.saved[step_of(outcome.before_minor, outcome.after_minor)] += 1
        counts = self.days.setdefault(outcome.day.isoformat(), [0, 0, 0, 0])
        more = (1, int(less > 0), max(0, less), int(outcome.missing_minor > 0))
        for place, count in enumerate(more):
            counts[place] += count


def replay_cart(cart: LeftCart, tried: Tried) -> CartOutcome:
    """Return what the draft would have made of a cart.

    One that changes something published stands in its place. Every cart meets its whole
    budget: a cart that nobody bought uses nothing up.
    """
    before = price_cart(cart.request, cart.offers, freight=cart.freight)
    others = [each for each in cart.offers if _key(each) != tried.key]
    quote = price_cart(
        cart.request, [*others, *tried.told(cart.facts)], freight=cart.freight
    )
    applies = any(_key(each) == tried.key for each in quote.applied)
    return CartOutcome(
        day=cart.day,
        before_minor=before.total_minor,
        after_minor=quote.total_minor,
        applies=applies,
        missing_minor=0 if applies else _little_missing(quote, tried),
    )


def _key(each: Any) -> tuple[str, str]:
    return getattr(each, "source_kind", ""), getattr(each, "source_id", "")


def _little_missing(quote: Quote, tried: Tried) -> int:
    """Return what is missing to the draft's least spend; 0 where that is much."""
    why = _refusal(quote, tried)
    missing = why.why.params.get("missing_minor", 0) if why else 0
    is_near = missing * _WHOLE_BP <= tried.offer.least_minor * _NEAR_BP
    return missing if is_near else 0


def _refusal(quote: Quote, tried: Tried) -> NotApplied | None:
    """Return why the draft takes nothing, asked alone where it is out of reach."""
    for each in quote.turned_down:
        if _key(each) == tried.key:
            return each
    for far in quote.unreached:
        for offer in far.offers:
            if _key(offer) == tried.key:
                return Unreached((offer,), far.lines).nearest()
    return None

"""What a price looks like once it is known. Plain Python."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from orders.rules.lines import PriceLine, StageLines
from orders.rules.offers import (
    Applied,
    Gift,
    Offer,
    PriceRequest,
    Refused,
    Stage,
    offer_order,
)
from orders.rules.units import split_evenly


# Not frozen, as ``Refused`` is not.
@dataclass(slots=True)
class NotApplied:
    """An offer that took nothing, and why (S25)."""

    source_kind: str
    source_id: str
    name: str
    why: Refused
    #: Who found out: its source, its stage, or nobody, as it was out of ``reach``.
    stage: str = field(default="lookup", compare=False)
    #: ``skipped`` if it gave way to another offer.
    result: str = field(default="refused", compare=False)
    #: Which floor -> the lines that stand at it and gave nothing (S12).
    floors: dict[str, list[int]] = field(default_factory=dict, compare=False)

    def traced(self) -> dict[str, Any]:
        """Return the entry of the trace."""
        floors = {"floors": self.floors} if self.floors else {}
        return {
            "stage": self.stage,
            "kind": self.source_kind,
            "id": self.source_id,
            "name": self.name,
            "result": self.result,
            "code": self.why.code,
            "params": dict(self.why.params),
            **floors,
        }


#: An offer that was asked, or what else happened to the price.
Step = NotApplied | Applied | dict[str, Any]


@dataclass(frozen=True, slots=True)
class FarOffers:
    """Offers of one stage that cannot match a request, known without asking each.

    Whoever looks offers up may hand in one of these among them. ``listed`` names them
    all when somebody wants to read why; ``closest`` is the one that the least more
    spending would bring, if spending would bring any.
    """

    stage: Stage
    listed: Callable[[], Iterable[Offer]]
    closest: Offer | None = None


@dataclass(frozen=True, slots=True)
class Unreached:
    """Offers out of reach, with the lines they would have looked at.

    Nobody asks a thousand of them why, unless somebody reads the answer.
    """

    offers: tuple[Offer, ...]
    lines: StageLines
    far: FarOffers | None = None

    def answers(self) -> Iterator[NotApplied]:
        """Ask each offer why it takes nothing, in the order of its stage (S3)."""
        listed = self.far.listed() if self.far else ()
        for offer in sorted((*self.offers, *listed), key=offer_order):
            yield self._answer(offer)

    def nearest(self) -> NotApplied | None:
        """Return the answer of the offer that wants the least, asking it alone."""
        if self.far is not None:
            return self._answer(self.far.closest) if self.far.closest else None
        nearest = min(self.offers, key=lambda each: (each.least_minor, each.source_id))
        return self._answer(nearest)

    def _answer(self, offer: Offer) -> NotApplied:
        why = offer.reduce(self.lines)
        if not isinstance(why, Refused):
            raise TypeError(f"{offer.source_id} said it was out of reach.")
        return NotApplied(
            offer.source_kind, offer.source_id, offer.name, why, stage="reach"
        )


@dataclass(slots=True)
class QuoteLine:
    """A line with what all offers together took off it."""

    line: PriceLine
    discount_minor: int
    net_minor: int
    #: What each unit costs, where offers took from single units.
    units: tuple[int, ...] = ()

    @property
    def unit_nets(self) -> tuple[int, ...]:
        """Return what each unit costs; they add up to ``net_minor`` (S11)."""
        return self.units or split_evenly(self.net_minor, self.line.quantity)


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a cart: ``total = goods - discount + freight``, all >= 0 (X7).

    ``turned_down`` and ``unreached`` had no effect of their own; ``skipped`` gave way
    to another offer of their exclusivity group. ``hash`` is the version the buyer
    agrees to (S27).
    """

    currency: str
    lines: tuple[QuoteLine, ...]
    freight_minor: int
    applied: tuple[Applied, ...]
    turned_down: tuple[NotApplied, ...]
    skipped: tuple[NotApplied, ...]
    #: How the price came about, step by step, without what was out of reach; made
    #: into words for the trace once somebody reads it.
    steps: tuple[Step, ...]
    hash: str
    #: What is missing to get freight waived; None where nothing would waive it.
    free_missing_minor: int | None = None
    #: What offers took off delivery; ``freight_minor`` is what is left to pay (S19).
    freight_discount_minor: int = 0
    #: Whether more offers competed than combinations were looked at (S6).
    is_approximate: bool = False
    #: In the order they came; ``refused`` puts them in order (X6).
    unreached: tuple[Unreached, ...] = field(default=(), compare=False)

    @property
    def refused(self) -> tuple[NotApplied, ...]:
        """Return every offer without an effect of its own, and why (S25)."""
        far = (answer for each in self.unreached for answer in each.answers())
        return (*self.turned_down, *far)

    @property
    def trace(self) -> tuple[dict[str, Any], ...]:
        """Return how the price came about; every offer is in it once (S25)."""
        far = (entry for each in self.unreached for entry in each.answers())
        return tuple(
            [
                each if isinstance(each, dict) else each.traced()
                for each in (*self.steps, *far)
            ]
        )

    @property
    def goods_minor(self) -> int:
        """Return the sum of all lines at their unit prices, before any offer."""
        return sum(each.line.gross_minor for each in self.lines)

    @property
    def discount_minor(self) -> int:
        """Return what all offers took off."""
        return sum(each.discount_minor for each in self.lines)

    @property
    def total_minor(self) -> int:
        """Return what is to be paid."""
        return self.goods_minor - self.discount_minor + self.freight_minor

    @property
    def gifts(self) -> tuple[tuple[Applied, Gift], ...]:
        """Return what comes for nothing, with the offer that brings it (S16)."""
        return tuple((each, gift) for each in self.applied for gift in each.gifts)

    @property
    def points_spent(self) -> int:
        """Return the points this price costs besides money."""
        return sum(each.points for each in self.applied)

    @property
    def nearest(self) -> NotApplied | None:
        """Return the offer that the least more spending would bring."""
        answers = (*self.turned_down, *(each.nearest() for each in self.unreached))
        return min(
            (each for each in answers if each and "missing_minor" in each.why.params),
            key=lambda each: (each.why.params["missing_minor"], each.source_id),
            default=None,
        )

    def shares_of(self, position: int) -> list[tuple[Applied, int, int]]:
        """Return ``(applied, amount_minor, points)`` of one line, in order."""
        return [
            (each, amount, dict(each.point_shares).get(position, 0))
            for each in self.applied
            for at, amount in each.shares
            if at == position
        ]


def quote_hash(
    request: PriceRequest,
    lines: Sequence[QuoteLine],
    freight_minor: int,
    applied: Sequence[Applied],
) -> str:
    """Return the version of a price: what is bought, what is taken off, by whom.

    Names, reasons and the time stay out: they may change without changing the deal.
    """
    deal = {
        "currency": request.currency,
        "lines": [
            [
                each.line.position,
                each.line.variant_id,
                each.line.quantity,
                each.line.unit_price_minor,
                each.net_minor,
            ]
            for each in lines
        ],
        "freight": freight_minor,
        "applied": [
            [
                int(each.stage),
                each.source_kind,
                each.source_id,
                each.shares,
                each.point_shares,
                *_more(each),
            ]
            for each in applied
        ],
    }
    return hashlib.sha256(orjson.dumps(deal)).hexdigest()


def _more(applied: Applied) -> list[Any]:
    """Return what few offers do: what they take off delivery, and gifts."""
    gifts = [[gift.sku, gift.quantity] for gift in applied.gifts]
    return [[applied.charge_shares, gifts]] if applied.charge_shares or gifts else []

"""What a price looks like once it is known. Plain Python."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orders.rules.offers import Applied, PriceLine, PriceRequest, Refused


@dataclass(frozen=True, slots=True)
class NotApplied:
    """An offer that took nothing, and why (S25)."""

    source_kind: str
    source_id: str
    name: str
    why: Refused


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """A line with what all offers together took off it."""

    line: PriceLine
    discount_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a cart: ``total = goods - discount + freight``, all >= 0 (X7).

    ``refused`` had no effect of their own; ``skipped`` gave way to another offer of
    their exclusivity group. ``hash`` is the version the buyer agrees to (S27).
    """

    currency: str
    lines: tuple[QuoteLine, ...]
    freight_minor: int
    applied: tuple[Applied, ...]
    refused: tuple[NotApplied, ...]
    skipped: tuple[NotApplied, ...]
    trace: tuple[dict[str, Any], ...]
    hash: str
    #: What is missing to get freight waived; None where nothing would waive it.
    free_missing_minor: int | None = None

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
    def points_spent(self) -> int:
        """Return the points this price costs besides money."""
        return sum(each.points for each in self.applied)

    @property
    def nearest(self) -> NotApplied | None:
        """Return the offer that the least more spending would bring."""
        missing = [each for each in self.refused if "missing_minor" in each.why.params]
        return min(
            missing,
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
            ]
            for each in applied
        ],
    }
    text = json.dumps(deal, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

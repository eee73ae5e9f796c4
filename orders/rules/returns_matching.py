"""Which purchase a return belongs to. Plain Python: no Django, no database.

A return of an imported file names the customer and the article, not the order. It is
tied to lines of the same customer and SKU bought at or before it, the same unit price
first, the most recent first. What no line can take stays unmatched, with its reason:
the units and the money of a return always come out whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

NO_CUSTOMER = "no_customer"
NO_PURCHASE = "no_purchase"
USED_UP = "purchases_used_up"
WORTH_TOO_MUCH = "worth_more_than_paid"


@dataclass(slots=True)
class Purchase:
    """What is left to give back of one order line."""

    line_id: int
    order_id: int
    at: datetime
    unit_price_minor: int
    units_left: int
    money_left_minor: int


@dataclass(frozen=True, slots=True)
class Return:
    """``quantity`` units came back at ``price_minor`` each; both as in the file."""

    row: int
    at: datetime
    quantity: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Match:
    """``quantity`` units of an order line are refunded by a row."""

    row: int
    line_id: int
    order_id: int
    quantity: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Unmatched:
    """``quantity`` units of a row found no purchase, and why."""

    row: int
    quantity: int
    amount_minor: int
    reason: str


def match_returns(
    purchases: Sequence[Purchase], returns: Sequence[Return]
) -> tuple[list[Match], list[Unmatched]]:
    """Tie the returns of one customer and SKU to what they bought.

    Args:
        purchases: every line of this customer and SKU; lowered as units are given
            back.
        returns: any order; taken in the order of time, then of the file.

    Returns:
        Matches and leftovers. For each row their quantities add up to its quantity,
        their amounts to quantity times price. No purchase gives back more units or
        money than it has left.

    >>> noon, one = datetime(2011, 1, 1, 12), datetime(2011, 1, 1, 13)
    >>> match_returns([Purchase(7, 3, noon, 250, 4, 1000)], [Return(9, one, 5, 250)])
    ... # doctest: +NORMALIZE_WHITESPACE
    ([Match(row=9, line_id=7, order_id=3, quantity=4, amount_minor=1000)],
     [Unmatched(row=9, quantity=1, amount_minor=250, reason='purchases_used_up')])
    """
    newest_first = sorted(purchases, key=lambda p: (p.at, p.line_id), reverse=True)
    matches: list[Match] = []
    leftovers: list[Unmatched] = []
    for back in sorted(returns, key=lambda r: (r.at, r.row)):
        before = [p for p in newest_first if p.at <= back.at]
        # Stable: same price first, the most recent first within each half.
        before.sort(key=lambda p: p.unit_price_minor != back.price_minor)
        missing = back.quantity
        for purchase in before:
            units = _units_it_takes(purchase, missing, back.price_minor)
            if units:
                amount = units * back.price_minor
                purchase.units_left -= units
                purchase.money_left_minor -= amount
                missing -= units
                matches.append(
                    Match(back.row, purchase.line_id, purchase.order_id, units, amount)
                )
            if not missing:
                break
        if missing:
            leftovers.append(
                Unmatched(
                    back.row, missing, missing * back.price_minor, _reason(before)
                )
            )
    return matches, leftovers


def _units_it_takes(purchase: Purchase, wanted: int, price_minor: int) -> int:
    units = min(wanted, purchase.units_left)
    if price_minor > 0:
        units = min(units, purchase.money_left_minor // price_minor)
    return units


def _reason(before: Sequence[Purchase]) -> str:
    if not before:
        return NO_PURCHASE
    return WORTH_TOO_MUCH if any(p.units_left for p in before) else USED_UP

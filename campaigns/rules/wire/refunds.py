"""What goes back of a priced wire case, and to which payment. Plain Python.

A refund of units is their share of what the line cost after all offers (R2), tax
included; payments give it back one after another, each at most what it captured and
has not yet returned (R3).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from math import floor
from typing import Any

from campaigns.rules.wire.answer import delivery_taxed, goods_taxed
from campaigns.rules.wire.payments import capture, give_back, in_order, payments_of
from campaigns.rules.wire.pricing import Priced, State, price
from campaigns.rules.wire.reading import TIMES, known_keys, whole
from campaigns.rules.wire.returning import Returns
from crm.shared.money import cumulative_share, share

#: Keys of ``given`` that are read here.
GIVEN = {
    *("payments", "refund", "return", "capture", "order_discount", "unit"),
    *("shipping_discount", "shipping_gross", "order_points", "return_window_days"),
}
REFUND = {
    *("lines", "shipping", "include_shipping", "amount", "payment", "exchange", "to"),
    *("order", "received", *TIMES),
}
#: What a refund may be of; one that names nothing is of everything that is left.
_PARTS = {"lines", "shipping", "include_shipping", "amount"}
#: More than any order costs: nothing is known that would bound a refund.
_ANY = 10**18
_ORIGINAL = {None, "original", "original_payment"}


class Till:
    """Payments and units of one order, while money goes back."""

    def __init__(
        self, state: State, priced: Priced, policies: Mapping[str, str], now: datetime
    ) -> None:
        self.state, self.priced, self.policies = state, priced, policies
        given = state.given
        self.payments = payments_of(given.get("payments") or (), state.money)
        quantities = {
            priced.cart.ids[each.line.position]: each.line.quantity
            for each in priced.quote.lines
        }
        self.returns = Returns(given, policies, quantities, now)
        #: Line -> units whose money is back; and what went back of the delivery.
        self.refunded: dict[str, int] = {}
        self.refunded_minor = self.refunded_delivery_minor = 0
        self.verdict: dict[str, Any] = {}

    @property
    def total_minor(self) -> int:
        """Return what the order cost, tax, delivery and surcharges included."""
        goods = goods_taxed(self.state, self.priced).gross_minor
        more = sum(with_tax for _plain, with_tax in self.priced.cart.surcharges)
        return max(0, goods + self._delivery_minor() + more)

    @property
    def is_willing(self) -> bool:
        """Tell whether nothing that was asked so far has been refused."""
        return self.verdict.get("allowed") is not False

    def capture(self, given: Mapping[str, Any]) -> None:
        """Capture a payment."""
        self.verdict = capture(given, self.payments, self.state.money)

    def take_back(self, given: Mapping[str, Any]) -> int | None:
        """Take units back; return what they cost, None where that is refused."""
        reason = self.returns.objection(given)
        if reason:
            self._refuse(reason)
            return None
        before = dict(self.returns.returned)
        value = self.units_minor(self.returns.take(given), before)
        self.verdict = {"allowed": True, "refund_total": self.state.money.write(value)}
        return value

    def refund(self, given: Mapping[str, Any]) -> Fraction:
        """Give money back; return which part of the order it is, 0 where refused."""
        known_keys("refund", given, REFUND)
        is_everything = not given.keys() & _PARTS
        if is_everything:
            every = [{"line": name} for name in self.returns.quantities]
            given = {**given, "lines": every, "include_shipping": True}
        reason = self._objection(given)
        units = {} if reason else self._units(given)
        delivery = 0 if reason else self._delivery_of(given)
        wanted = 0 if reason else self._wanted(given, units, delivery)
        if is_everything:
            wanted = self._after_exchange(self._left_minor(), given.get("exchange"))
        reason = reason or self._shortage(wanted, delivery)
        if not reason and not wanted and not given.get("exchange"):
            reason = "nothing_to_refund"
        if reason:
            self._refuse(reason)
            return Fraction(0)
        for name, count in units.items():
            self.refunded[name] = self.refunded.get(name, 0) + count
        self.refunded_delivery_minor += delivery
        self.pay_back(wanted, given)
        return Fraction(wanted, self.total_minor or 1)

    def _shortage(self, wanted: int, delivery: int) -> str:
        """Return why so much cannot go back; empty where it can (R3)."""
        is_captured = not self.payments or any(e.captured for e in self.payments)
        if not is_captured:
            return "not_captured"
        knows = self.state.given.keys() & {"shipping", "shipping_gross"}
        if knows and delivery > self._delivery_left():
            return "exceeds_refundable"
        return "exceeds_refundable" if wanted > self._room() else ""

    def _left_minor(self) -> int:
        """Return everything that has not gone back; of no goods what was captured."""
        if not self.returns.quantities:
            room = self._room()
            return 0 if room == _ANY else room
        gone = sum(e.refunded for e in self.payments) or self.refunded_minor
        return max(0, self.total_minor - gone)

    def pay_back(self, amount: int, given: Mapping[str, Any]) -> None:
        """Let the payments give an amount back, or put it where it is to go."""
        chosen = str(given.get("payment") or "")
        listed = in_order(self.payments, self.policies["refund.method_order"], chosen)
        parts = give_back(listed, amount)
        if given.get("to") not in _ORIGINAL:
            parts = {str(given["to"]): amount} if amount else {}
        self.refunded_minor += amount
        write = self.state.money.write
        self.verdict = {
            "allowed": True,
            "refund_total": write(amount),
            "refunds": {name: write(part) for name, part in parts.items()},
        }

    def _refuse(self, reason: str) -> None:
        nothing = self.state.money.write(0)
        self.verdict = {"allowed": False, "reason": reason, "refund_total": nothing}

    def _room(self) -> int:
        if self.payments:
            return sum(each.room for each in self.payments)
        if not self.returns.quantities:
            told = self.returns.order.get("total")
            most = None if told is None else self.state.money.read(told)
            return _ANY if most is None else most - self.refunded_minor
        return self.total_minor - self.refunded_minor

    def _objection(self, given: Mapping[str, Any]) -> str:
        chosen = [e for e in self.payments if e.id == str(given.get("payment"))]
        asked = given.get("lines") or ()
        for each in asked:
            known_keys("refund line", each, {"line", "qty", "received"})
        if self._is_of_another(given, [each.order for each in chosen]):
            return "order_mismatch"
        if given.get("payment") is not None and not chosen:
            return "order_mismatch"
        if chosen and not chosen[0].captured:
            return "not_captured"
        units = self._units(given)
        if any(not 0 <= units[name] <= self._left(name) for name in units):
            return "exceeds_refundable"
        return "not_received" if self.returns.lacks_receipt(given) else ""

    def _is_of_another(self, given: Mapping[str, Any], orders: list[str]) -> bool:
        """Whether a payment, a line or the refund itself belongs to another order."""
        own, named = self.returns.order.get("id"), given.get("order")
        if None not in {own, named} and str(named) != str(own):
            return True
        order = str(named if named is not None else own or "")
        if order and any(each not in {"", order} for each in orders):
            return True
        lines = {str(each["line"]) for each in given.get("lines") or ()}
        return bool(lines - self.returns.quantities.keys())

    def _left(self, name: str) -> int:
        return self.returns.quantities[name] - self.refunded.get(name, 0)

    def _units(self, given: Mapping[str, Any]) -> dict[str, int]:
        """Return how many units of which line: all that are left, unless it says."""
        units: dict[str, int] = {}
        for each in given.get("lines") or ():
            name = str(each["line"])
            count = whole(each.get("qty", self._left(name)))
            units[name] = units.get(name, 0) + count
        return units

    def _wanted(
        self, given: Mapping[str, Any], units: Mapping[str, int], delivery: int
    ) -> int:
        """Return the amount asked for: as given, or of the units and the delivery."""
        if given.get("amount") is not None:
            wanted = self.state.money.price(given["amount"])
        else:
            wanted = self.units_minor(units, self.refunded) + delivery
        return self._after_exchange(wanted, given.get("exchange"))

    def units_minor(self, units: Mapping[str, int], before: Mapping[str, int]) -> int:
        """Return what units cost, or what the order costs less without them (R2).

        Args:
            units: how many of which line.
            before: those that went back already; all of a line give its exact price.
        """
        if self.policies["refund.on_order_change"] != "kept_shares":
            return self._less_without(units)
        costs, of = self._costs(), self.returns.quantities
        if self.policies["refund.rounding"] == "down_on_sum":
            parts = (Fraction(costs[name] * units[name], of[name]) for name in units)
            return floor(sum(parts, Fraction(0)))
        total = 0
        for name, count in units.items():
            gone = before.get(name, 0)
            total += cumulative_share(costs[name], gone + count, of[name])
            total -= cumulative_share(costs[name], gone, of[name])
        return total

    def _costs(self) -> dict[str, int]:
        """Return what each line cost, tax included; together what goods cost."""
        taxes, costs = self.priced.cart.taxes, []
        lines = self.priced.quote.lines
        for each in lines:
            at = each.line.position
            fixed = taxes.rate_of(at).fixed_minor * each.line.quantity
            costs.append(taxes.as_basis(at, each.net_minor, "gross") + fixed)
        # Rounded in another way together than one by one they may be a cent apart.
        parts = share(goods_taxed(self.state, self.priced).gross_minor, costs)
        names = (self.priced.cart.ids[each.line.position] for each in lines)
        return dict(zip(names, parts, strict=True))

    def _less_without(self, gone: Mapping[str, int]) -> int:
        """Return the difference to what is kept, priced again with what applies."""
        before = self._kept({})
        return goods_taxed(self.state, before).gross_minor - max(
            0, goods_taxed(self.state, self._kept(gone)).gross_minor
        )

    def _kept(self, gone: Mapping[str, int]) -> Priced:
        left = {
            name: count - self.refunded.get(name, 0) - gone.get(name, 0)
            for name, count in self.returns.quantities.items()
        }
        lines = tuple(
            {**each, "qty": left[str(each["id"])]}
            for each in self.state.lines
            if left[str(each["id"])] > 0
        )
        return price(replace(self.state, lines=lines))

    def _delivery_of(self, given: Mapping[str, Any]) -> int:
        if given.get("amount") is not None:
            return 0
        asked = given.get("shipping")
        if isinstance(asked, str | int) and not isinstance(asked, bool):
            return self.state.money.price(asked)
        return self._delivery_left() if asked or given.get("include_shipping") else 0

    def _delivery_left(self) -> int:
        return max(0, self._delivery_minor() - self.refunded_delivery_minor)

    def _delivery_minor(self) -> int:
        """Return what delivery cost in the end, tax included."""
        read, given = self.state.money.read, self.state.given
        if given.get("shipping_gross") is not None:
            cost = read(given["shipping_gross"])
        else:
            cost = delivery_taxed(self.priced).gross_minor
        return max(0, cost - read(given.get("shipping_discount") or 0))

    def _after_exchange(self, wanted: int, exchange: Any) -> int:
        """Return what of the money goes back where units are exchanged."""
        if not exchange:
            return wanted
        if exchange is True:
            return 0
        known_keys("exchange", exchange, {"sku", "unit_price", "qty"})
        price = self.state.money.price(exchange["unit_price"])
        cost = price * max(0, whole(exchange.get("qty", 1)))
        return max(0, wanted - cost)

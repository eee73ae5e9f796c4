"""What goes back of a priced wire case, and to which payment. Plain Python.

A refund of units is their share of what the line cost after all offers (R2), tax
included; payments give it back one after another, each at most what it captured and
has not yet returned (R3).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from campaigns.rules.wire.answer import delivery_taxed, goods_taxed
from campaigns.rules.wire.payments import capture, give_back, in_order, payments_of
from campaigns.rules.wire.pricing import Priced, State, price
from campaigns.rules.wire.reading import TIMES, known_keys, whole
from campaigns.rules.wire.returning import Returns
from crm.shared.money import round_half_up

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
        #: Line -> units whose money is back.
        self.refunded: dict[str, int] = {}
        self.refunded_minor = 0
        self.verdict: dict[str, Any] = {}

    @property
    def total_minor(self) -> int:
        """Return what the order cost, tax and delivery included."""
        goods = goods_taxed(self.state, self.priced).gross_minor
        return goods + self._delivery_minor()

    @property
    def is_willing(self) -> bool:
        """Tell whether nothing that was asked so far has been refused."""
        return self.verdict.get("allowed") is not False

    def capture(self, given: Mapping[str, Any]) -> None:
        """Capture a payment."""
        self.verdict = capture(given, self.payments, self.state.money)

    def take_back(self, given: Mapping[str, Any]) -> bool:
        """Take units back; tell whether that was allowed."""
        reason = self.returns.objection(given)
        if reason:
            return self._refuse(reason)
        self.returns.take(given)
        value = self.units_minor(given) if given.get("lines") else 0
        self.verdict = {"allowed": True, "refund_total": self.state.money.write(value)}
        return True

    def refund(self, given: Mapping[str, Any]) -> Fraction:
        """Give money back; return which part of the order it is, 0 where refused."""
        known_keys("refund", given, REFUND)
        if not given.keys() & _PARTS:
            every = [{"line": name} for name in self.returns.quantities]
            given = {**given, "lines": every, "include_shipping": True}
        reason = self._objection(given)
        wanted = 0 if reason else self._wanted(given)
        if not reason and wanted > self._room():
            is_captured = not self.payments or any(e.captured for e in self.payments)
            reason = "exceeds_refundable" if is_captured else "not_captured"
        is_exchange = bool(given.get("exchange"))
        if not reason and not wanted and not is_exchange:
            reason = "nothing_to_refund"
        if reason:
            self._refuse(reason)
            return Fraction(0)
        for each in given.get("lines") or ():
            name = str(each["line"])
            self.refunded[name] = self.refunded.get(name, 0) + self._units(each)
        self.pay_back(wanted, given)
        return Fraction(wanted, self.total_minor or 1)

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

    def _refuse(self, reason: str) -> bool:
        nothing = self.state.money.write(0)
        self.verdict = {"allowed": False, "reason": reason, "refund_total": nothing}
        return False

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
        if any(not 0 <= self._units(e) <= self._left(e) for e in asked):
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

    def _left(self, asked: Mapping[str, Any]) -> int:
        name = str(asked["line"])
        return self.returns.quantities[name] - self.refunded.get(name, 0)

    def _units(self, asked: Mapping[str, Any]) -> int:
        return whole(asked.get("qty", self._left(asked)))

    def _wanted(self, given: Mapping[str, Any]) -> int:
        """Return the amount asked for: as given, or of the units and the delivery."""
        if given.get("amount") is not None:
            wanted = self.state.money.read(given["amount"])
        else:
            wanted = self.units_minor(given) + self._delivery_of(given)
        return self._after_exchange(wanted, given.get("exchange"))

    def units_minor(self, given: Mapping[str, Any]) -> int:
        """Return what units cost, or what the order costs less without them."""
        if self.policies["refund.on_order_change"] != "kept_shares":
            return self._less_without(given)
        lines = {
            self.priced.cart.ids[e.line.position]: e for e in self.priced.quote.lines
        }
        whole_sum, rounded_sum = Fraction(0), 0
        for asked in given.get("lines") or ():
            each = lines[str(asked["line"])]
            at, taxes = each.line.position, self.priced.cart.taxes
            cost = taxes.as_basis(at, each.net_minor, "gross")
            fixed = taxes.rate_of(at).fixed_minor * each.line.quantity
            part = Fraction((cost + fixed) * self._units(asked), each.line.quantity)
            whole_sum += part
            rounded_sum += round_half_up(part.numerator, part.denominator)
        if self.policies["refund.rounding"] == "down_on_sum":
            return whole_sum.numerator // whole_sum.denominator
        return rounded_sum

    def _less_without(self, given: Mapping[str, Any]) -> int:
        """Return the difference to what is kept, priced again with what applies."""
        gone = {str(e["line"]): self._units(e) for e in given.get("lines") or ()}
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
        asked = given.get("shipping")
        if isinstance(asked, str | int) and not isinstance(asked, bool):
            return self.state.money.read(asked)
        return self._delivery_minor() if asked or given.get("include_shipping") else 0

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
        read = self.state.money.read
        cost = read(exchange["unit_price"]) * whole(exchange.get("qty", 1))
        return max(0, wanted - cost)

"""What goes back of a priced wire case, and to which payment. Plain Python.

A refund of units is their share of what the line cost after all offers (R2), tax
included; payments give it back one after another, each at most what it captured and
has not yet returned (R3).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from campaigns.rules.wire.pricing import Priced, State
from campaigns.rules.wire.reading import chosen, known_keys, whole
from crm.shared.money import round_half_up

#: Keys of ``given`` that are read here.
GIVEN = {"payments", "refund"}
#: Policies that are read here, with what they may say; the first is the default.
POLICIES = {
    "refund.line": ("proportional_to_qty",),
    "refund.order_discount": ("prorated_by_unit",),
    "refund.rounding": ("half_up", "down_on_sum"),
    "refund.custom_amount": ("allowed",),
    "refund.method_order": ("configured", "latest_payment_first"),
}
_REFUND = {"lines", "shipping", "include_shipping", "amount", "payment"}
_PAYMENT = {"id", "authorized", "captured", "refunded"}


def refunded(state: State, priced: Priced, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a refund comes to, as ``expect`` has it."""
    policies = {
        name: chosen(f"policy {name}", str(named.get(name, values[0])), values)
        for name, values in POLICIES.items()
    }
    given = state.given["refund"]
    known_keys("refund", given, _REFUND)
    wanted = _wanted(state, priced, given, policies)
    rooms = _rooms(state, given, policies)
    write = state.money.write
    if rooms is not None and wanted > sum(rooms.values()):
        captured = any(_read(state, e, "captured") for e in _payments(state))
        reason = "exceeds_refundable" if captured else "not_captured"
        return {"allowed": False, "reason": reason, "refund_total": write(0)}
    if not wanted:
        return {
            "allowed": False,
            "reason": "nothing_to_refund",
            "refund_total": write(0),
        }
    back, left = {}, wanted
    for name, room in (rooms or {}).items():
        pays = min(left, room)
        left -= pays
        if pays:
            back[name] = write(pays)
    return {"allowed": True, "refund_total": write(wanted), "refunds": back}


def _wanted(
    state: State,
    priced: Priced,
    given: Mapping[str, Any],
    policies: Mapping[str, str],
) -> int:
    """Return the amount asked for: as given, or of the units and the delivery."""
    if given.get("amount") is not None:
        return state.money.read(given["amount"])
    lines = {priced.cart.ids[e.line.position]: e for e in priced.quote.lines}
    whole_sum, rounded_sum = Fraction(0), 0
    for asked in given.get("lines") or ():
        known_keys("refund line", asked, {"line", "qty"})
        each = lines[str(asked["line"])]
        quantity = whole(asked.get("qty", each.line.quantity))
        if not 0 <= quantity <= each.line.quantity:
            raise ValueError(f"{quantity} of {each.line.quantity} units")
        cost = priced.cart.taxes.as_basis(each.line.position, each.net_minor, "gross")
        part = Fraction(cost * quantity, each.line.quantity)
        whole_sum += part
        rounded_sum += round_half_up(part.numerator, part.denominator)
    if policies["refund.rounding"] == "down_on_sum":
        rounded_sum = whole_sum.numerator // whole_sum.denominator
    return rounded_sum + _delivery(state, priced, given)


def _delivery(state: State, priced: Priced, given: Mapping[str, Any]) -> int:
    asked = given.get("shipping")
    if isinstance(asked, str | int) and not isinstance(asked, bool):
        return state.money.read(asked)
    return priced.quote.freight_minor if asked or given.get("include_shipping") else 0


def _payments(state: State) -> list[Mapping[str, Any]]:
    payments = list(state.given.get("payments") or ())
    for each in payments:
        known_keys("payment", each, _PAYMENT)
    return payments


def _read(state: State, payment: Mapping[str, Any], key: str) -> int:
    return state.money.read(payment.get(key) or 0)


def _rooms(
    state: State, given: Mapping[str, Any], policies: Mapping[str, str]
) -> dict[str, int] | None:
    """Return what each payment can still give back, in the order they are asked."""
    payments = _payments(state)
    if not payments:
        return None
    if policies["refund.method_order"] == "latest_payment_first":
        payments.reverse()
    # The payment somebody chose goes first; the rest comes from the others.
    payments.sort(key=lambda each: each.get("id") != given.get("payment"))
    return {
        str(each["id"]): max(
            0, _read(state, each, "captured") - _read(state, each, "refunded")
        )
        for each in payments
    }

"""Payments of a wire case: what they took, and what each can still give back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.rules.wire.reading import Money, known_keys

_PAYMENT = {"id", "authorized", "captured", "refunded", "order"}


@dataclass(slots=True)
class Payment:
    """One payment, in minor units."""

    id: str
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    order: str = ""

    @property
    def room(self) -> int:
        """Return what it captured and has not given back (R3)."""
        return max(0, self.captured - self.refunded)


def payments_of(given: Iterable[Mapping[str, Any]], money: Money) -> list[Payment]:
    """Read payments; one that says nothing of it was captured as authorized."""
    found = []
    for number, each in enumerate(given, 1):
        known_keys("payment", each, _PAYMENT)
        read = {
            key: money.read(each.get(key) or 0)
            for key in ("authorized", "captured", "refunded")
        }
        name = str(each.get("id", number))
        found.append(Payment(name, **read, order=str(each.get("order") or "")))
    return found


def in_order(payments: Sequence[Payment], how: str, chosen: str) -> list[Payment]:
    """Return payments as they are asked: the chosen one, then as the policy says."""
    listed = list(payments)
    if how == "latest_payment_first":
        listed.reverse()
    return sorted(listed, key=lambda each: each.id != chosen)


def give_back(payments: Iterable[Payment], amount: int) -> dict[str, int]:
    """Let payments give back one after another; they have room for it together."""
    parts = {}
    for each in payments:
        part = min(amount, each.room)
        each.refunded += part
        amount -= part
        if part:
            parts[each.id] = part
    return parts


def capture(
    given: Mapping[str, Any], payments: Sequence[Payment], money: Money
) -> dict[str, Any]:
    """Capture of a payment, never more than was authorized and is not captured yet.

    Raises:
        ValueError: it does not say of which payment.
    """
    known_keys("capture", given, {"amount", "payment"})
    name = given.get("payment")
    found = [each for each in payments if name is None or each.id == str(name)]
    if len(found) != 1:
        if name is not None and not found:
            return {"allowed": False, "reason": "order_mismatch"}
        raise ValueError("a capture that does not say of which payment")
    payment = found[0]
    left = payment.authorized - payment.captured
    amount = left if given.get("amount") is None else money.price(given["amount"])
    if amount > left:
        return {"allowed": False, "reason": "exceeds_authorized"}
    payment.captured += amount
    return {"allowed": True, "captured": money.write(payment.captured)}

"""What happened before a wire case: who bought, what was used. Plain Python."""

from collections.abc import Mapping
from typing import Any

from campaigns.rules.policies import Policies
from campaigns.rules.wire.reading import (
    Money,
    NotExpressible,
    known_keys,
    person,
    whole,
)
from campaigns.rules.wire.uses import Use

HISTORY = {"uses", "orders", "checkouts", "discount_granted"}
_ORDER_KEYS = {
    *("id", "member", "email", "promotion", "state", "completed_at", "checkout"),
}
#: What may be said of the one order a case is about.
ORDER = {
    *("id", "member", "state", "completed_at", "shipped_at", "delivered_at", "qty"),
    *("fulfilled", "returned", "received"),
    *("items_total", "items_tax", "total", "tax_total", "shipping_total"),
}
#: What may be said of a gift card, and of a wallet.
CARD = {"code", "balance", "active", "currency", "expires_at", "reserved_by"}
_GONE = {"cancelled", "canceled"}


def uses_before(
    given: Mapping[str, Any], history: Mapping[str, Any], policies: Policies
) -> list[Use]:
    """Return what was used before: by itself, by orders, by checkouts."""
    uses = []
    for each in history.get("uses") or ():
        known_keys("use", each, {"promotion", "member", "email", "count", "code"})
        use = Use(
            str(each["promotion"]),
            buyer_of(each),
            whole(each.get("count", 1)),
            code=str(each.get("code") or ""),
        )
        uses.append(use)
    for each in history.get("checkouts") or ():
        known_keys("checkout", each, {"id", "member", "email", "promotion", "orders"})
        if each.get("promotion"):
            uses.append(Use(str(each["promotion"]), buyer_of(each)))
    released = released_by(given, policies)
    seen: set[tuple[str, str]] = set()
    for each in history.get("orders") or ():
        known_keys("order", each, _ORDER_KEYS)
        promotion, state = str(each.get("promotion") or ""), each.get("state")
        is_draft = state == "draft" and policies.limits_count_at != "draft"
        if not promotion or is_draft or (state in _GONE and promotion in released):
            continue
        checkout = (promotion, str(each.get("checkout") or ""))
        if policies.limits_count_unit == "order" or checkout not in seen:
            uses.append(Use(promotion, buyer_of(each)))
        if checkout[1]:
            seen.add(checkout)
    return uses


def buyer_of(given: Mapping[str, Any]) -> str:
    """Return who a use or an order is said to be of; empty is nobody known."""
    return person(given.get("member") or given.get("email") or "")


def released_by(given: Mapping[str, Any], policies: Policies) -> set[str]:
    """Return the promotions whose uses come back when an order is cancelled (C10)."""
    usual = policies.limits_release_on_cancel == "true"
    return {
        str(each["id"])
        for each in given.get("promotions") or ()
        if (each.get("limits") or {}).get("release_on_cancel", usual)
    }


def granted_before(
    given: Mapping[str, Any], history: Mapping[str, Any], money: Money
) -> list[Use]:
    """Return what promotions have given so far, as uses that count nothing."""
    granted = history.get("discount_granted")
    if granted is None:
        return []
    if not isinstance(granted, Mapping):
        names = [str(each["id"]) for each in given.get("promotions") or ()]
        if len(names) != 1:
            raise NotExpressible("discount_granted of several promotions in one sum")
        granted = {names[0]: granted}
    return [Use(str(n), count=0, minor=money.read(m)) for n, m in granted.items()]


def member_of(given: Any) -> Mapping[str, Any]:
    """Return who buys; a bare text is an id."""
    return {"id": given} if isinstance(given, str) else given or {}


def wallet_of(given: Mapping[str, Any], money: Money) -> int:
    """Return what a wallet can pay: nothing where it is overdrawn (X7)."""
    wallet = given.get("wallet")
    known_keys("wallet", wallet or {}, CARD)
    return max(0, money.read(wallet["balance"])) if wallet else 0

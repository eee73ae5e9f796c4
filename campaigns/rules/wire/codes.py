"""Codes of a wire case: how they are compared, and whose they are. Plain Python."""

from collections.abc import Mapping
from typing import Any

from campaigns.rules.policies import Policies
from campaigns.rules.wire.reading import known_keys, texts


def folded(code: str, policies: Policies) -> str:
    """Return a code as it is compared: as it is written, or without case (C4)."""
    return code if policies.code_case == "sensitive" else code.strip().casefold()


def codes_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the codes that bring a promotion."""
    return tuple(own_terms(given))


def own_terms(given: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what each code of a promotion says of itself; a text says nothing.

    Raises:
        NotExpressible: it says something nobody reads.
    """
    listed = given.get("codes") or []
    found: dict[str, Mapping[str, Any]] = {}
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, Mapping):
            known_keys("code", each, _CODE)
            found[str(each["code"])] = each
        else:
            found[str(each)] = {}
    for each in texts(given.get("code")):
        found.setdefault(each, {})
    return found


_CODE = {
    *("code", "active", "window", "channels", "limits", "used"),
    *("uses_total", "per_customer", "assigned_to"),
}


def gift_codes(given: Mapping[str, Any], policies: Policies) -> frozenset[str]:
    """Return the codes of gift cards: they may be entered, and bring no promotion."""
    cards = given.get("gift_cards") or ()
    return frozenset(folded(str(e["code"]), policies) for e in cards if "code" in e)


def other_codes(given: Mapping[str, Any], policies: Policies) -> frozenset[str]:
    """Return codes of rules that earn and of rewards that no promotion has."""
    rewards = given.get("rewards") or ()
    if isinstance(rewards, Mapping):
        rewards = rewards.values()
    listed = [
        code for e in given.get("earn_rules") or () for code in texts(e.get("code"))
    ]
    for each in (*rewards, given.get("reward")):
        listed += texts(each.get("codes")) if isinstance(each, Mapping) else ()
    own = [code for each in given.get("promotions") or () for code in codes_of(each)]
    known = {folded(code, policies) for code in own}
    return frozenset(folded(code, policies) for code in listed) - known

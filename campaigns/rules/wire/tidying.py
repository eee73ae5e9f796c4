"""What a wire case may write in several ways, in one. Plain Python.

A key that is there and says nothing is not there; a currency is in capitals; an answer
of yes or no is one, not a text that counts as yes whatever it says.
"""

from collections.abc import Mapping
from typing import Any

from campaigns.rules.wire.reading import NotExpressible

#: Keys of a case whose parts are tidied; elsewhere nothing may mean never.
_TIDIED = {
    *("lines", "shipping", "surcharges", "tax", "member", "promotions", "history"),
    *("gift_cards", "wallet", "rewards", "reward", "earn_rules", "currency"),
}
#: Keys that are answered with yes or no.
_FLAGS = {
    *("discountable", "parent_discountable", "addon", "bundled", "on_sale"),
    *("is_delivery", "prices_include_tax", "includes_tax", "included", "active"),
    *("exclusive", "skip_discounted", "exclude_addons", "exclude_on_sale"),
    *("release_on_cancel", "enabled", "stackable"),
}
#: Whose keys are names that the case gives.
_NAMED_BY_CASE = {"attributes", "metrics"}
_ANSWERS = {"true": True, "false": False, "1": True, "0": False}


def tidied(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case in the one way that is read.

    Raises:
        NotExpressible: yes or no is answered with something else.
    """
    return {
        key: tidied_part(value, key) if key in _TIDIED else value
        for key, value in given.items()
    }


def tidied_part(value: Any, key: str = "") -> Any:
    """Return a part of a case, such as its lines, in the one way that is read."""
    if key == "currency" and isinstance(value, str):
        return value.strip().upper()
    if key in _FLAGS and value is not None:
        return _yes_or_no(value, key)
    if isinstance(value, list):
        return [tidied_part(each) for each in value]
    if key in _NAMED_BY_CASE or not isinstance(value, Mapping):
        return value
    return {k: tidied_part(v, k) for k, v in value.items() if v is not None}


def _yes_or_no(value: Any, key: str) -> bool:
    answer = _ANSWERS.get(str(value).lower())
    if answer is None:
        raise NotExpressible(f"{key} {str(value)[:40]}")
    return answer

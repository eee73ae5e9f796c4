"""Whether units of a wire case may come back: complete, in time, there, once.

Plain Python.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns.rules.wire.history import ORDER
from campaigns.rules.wire.reading import known_keys, moment, time_of, whole

_UNIT = {
    *("id", "line", "order", "state", "shipped_at", "delivered_at", "received"),
    *("returned", "fulfilled"),
}
RETURN = {"order", "lines", "received", "at", "on", "date", "now", "state"}
_LINE = {"line", "qty", "unit", "fulfilled", "returned", "received"}
_INCOMPLETE = {
    *("cart", "draft", "pending", "new", "placed", "failed", "cancelled", "canceled"),
    *("incomplete", "address", "delivery", "payment", "confirm"),
}
_BACK = {"returned", "received"}


@dataclass(slots=True)
class Returns:
    """What is known of an order and its units, and what came back so far."""

    given: Mapping[str, Any]
    policies: Mapping[str, str]
    quantities: Mapping[str, int]
    now: datetime
    returned: dict[str, int] = field(default_factory=dict)

    @property
    def order(self) -> Mapping[str, Any]:
        """Return what is said of the order."""
        told = self.given.get("order")
        order = told if isinstance(told, Mapping) else {"id": told}
        known_keys("order", order, ORDER)
        return order

    @property
    def unit(self) -> Mapping[str, Any]:
        """Return what is said of the one unit a case is about."""
        unit = self.given.get("unit") or {}
        known_keys("unit", unit, _UNIT)
        return unit

    def objection(self, asked: Mapping[str, Any]) -> str:
        """Return why a return is refused; empty where it is not."""
        known_keys("return", asked, RETURN)
        if self._is_of_another(asked):
            return "order_mismatch"
        if str(self.order.get("state", "completed")) in _INCOMPLETE:
            return "order_not_completed"
        if self._is_late(time_of(asked, self.now)):
            return "outside_window"
        unit = self.unit
        if unit.get("returned") or str(unit.get("state")) in _BACK:
            return "already_returned"
        before = dict(self.returned)
        for each in asked.get("lines") or ():
            reason = self._of_line(each, before)
            if reason:
                return reason
            # Of a line that is named twice the second time less is left.
            name = _name_of(each)
            before[name] = before.get(name, 0) + self._units(each, before)
        return ""

    def _is_of_another(self, asked: Mapping[str, Any]) -> bool:
        own = self.order.get("id")
        named = (asked.get("order"), self.unit.get("order"))
        others = {str(each) for each in named if each is not None}
        return own is not None and bool(others - {str(own)})

    def _is_late(self, at: datetime) -> bool:
        days = self.given.get("return_window_days")
        sources = (self.unit, self.order)
        told = next(
            (
                each[key]
                for each in sources
                for key in ("delivered_at", "shipped_at", "completed_at")
                if each.get(key)
            ),
            None,
        )
        if days is None or told is None:
            return False
        last = moment(told) + timedelta(days=whole(days))
        is_exclusive = self.policies["refund.window_boundary"] == "exclusive"
        return at >= last if is_exclusive else at > last

    def _of_line(self, asked: Mapping[str, Any], before: Mapping[str, int]) -> str:
        known_keys("return line", asked, _LINE)
        name = _name_of(asked)
        if name not in self.quantities:
            return "order_mismatch"
        most, back = self._most(asked), self._back(asked, before)
        quantity = self._units(asked, before)
        if back and not most - back:
            return "already_returned"
        if back and quantity > most - back:
            return "already_returned"
        if quantity > most:
            return "exceeds_fulfilled"
        return "" if quantity > 0 else "nothing_to_refund"

    def _most(self, asked: Mapping[str, Any]) -> int:
        name = _name_of(asked)
        return self._count("fulfilled", name, asked, self.quantities[name])

    def _back(self, asked: Mapping[str, Any], before: Mapping[str, int]) -> int:
        name = _name_of(asked)
        return self._count("returned", name, asked, 0) + before.get(name, 0)

    def _units(self, asked: Mapping[str, Any], before: Mapping[str, int]) -> int:
        """Return how many units a line of a return is about: all that are left."""
        usual = self._most(asked) - self._back(asked, before)
        return whole(asked.get("qty", usual))

    def _count(self, key: str, name: str, asked: Mapping[str, Any], usual: int) -> int:
        told = asked.get(key, self.order.get(key))
        if isinstance(told, Mapping):
            told = told.get(name, 0)
        if told is None or isinstance(told, bool):
            return self.quantities[name] if told else usual if told is None else 0
        return whole(told)

    def take(self, asked: Mapping[str, Any]) -> dict[str, int]:
        """Note that units came back; return how many of which line."""
        taken: dict[str, int] = {}
        for each in asked.get("lines") or ():
            name, count = _name_of(each), self._units(each, self.returned)
            self.returned[name] = self.returned.get(name, 0) + count
            taken[name] = taken.get(name, 0) + count
        return taken

    def lacks_receipt(self, asked: Mapping[str, Any]) -> bool:
        """Whether money has to wait until the goods are here."""
        if self.policies["refund.requires_receipt"] != "true":
            return False
        told = self.given.get("return") or {}
        is_here = (
            *(each.get("received") for each in (asked, told, self.order, self.unit)),
            *(each.get("received") for each in asked.get("lines") or ()),
            str(self.unit.get("state")) in _BACK or None,
            str(told.get("state")) in _BACK or None,
        )
        known = [each for each in is_here if each is not None]
        return not (known and all(known))


def _name_of(asked: Mapping[str, Any]) -> str:
    return str(asked.get("line", asked.get("unit")))

"""Orders of a wire case as points see them. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from campaigns.rules.wire.reading import known_keys, number
from loyalty.rules.lots import Lot


@dataclass(slots=True)
class Earned:
    """What an order earned and was worth, and which part of it was undone."""

    lot: Lot | None = None
    paid: Fraction = Fraction(0)
    is_complete: bool = False
    undone: Fraction = Fraction(0)
    clawed: int = 0


def source_of(step: Mapping[str, Any]) -> str:
    """Return what moves points: the same one moves them once."""
    for key in ("order", "source", "action", "id"):
        if step.get(key) is not None:
            return f"{key}:{step[key]}"
    return f"step:{id(step)}"


def points_moved(given: Any, policies: Mapping[str, str]) -> tuple[Fraction, Fraction]:
    """Return the points an order earned and those spent in it, of ``order_points``.

    A bare number are those it earned, or below nothing those spent in it.
    """
    if not isinstance(given, Mapping):
        told = number(given)
        is_spent = policies["points.on_refund"] == "spent_points_returned" or told < 0
        return (Fraction(0), abs(told)) if is_spent else (told, Fraction(0))
    known_keys("order_points", given, {"earned", "spent"})
    return number(given.get("earned") or 0), number(given.get("spent") or 0)

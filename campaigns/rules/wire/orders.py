"""Orders of a wire case as points see them. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

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

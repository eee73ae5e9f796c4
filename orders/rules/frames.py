"""What holds of the lines of a basket whatever is taken off them. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orders.rules.lines import DELIVERY_KINDS, FREIGHT_KIND, PriceLine


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds of a basket's lines whatever is taken off them."""

    place_of: dict[int, int]
    charged_at: frozenset[int]
    #: Charges for delivery, and lines that stand for one.
    delivery_at: frozenset[int]
    #: See ``StageLines``: of all lines.
    places: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Sequence[PriceLine]) -> "Frame":
        """Find it out, each time a line is added."""
        delivery = [line for line in lines if line.kind in DELIVERY_KINDS]
        charges = [e.position for e in delivery if e.kind == FREIGHT_KIND]
        return cls(
            place_of={line.position: place for place, line in enumerate(lines)},
            charged_at=frozenset(charges),
            delivery_at=frozenset([line.position for line in delivery]),
        )

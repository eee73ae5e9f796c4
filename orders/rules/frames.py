"""What holds of the lines of a basket whatever is taken off them. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orders.rules.lines import FREIGHT_KIND, PriceLine


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds of a basket's lines whatever is taken off them."""

    place_of: dict[int, int]
    charged_at: frozenset[int]
    #: See ``StageLines``: of all lines.
    places: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Sequence[PriceLine]) -> "Frame":
        """Find it out, each time a line is added."""
        return cls(
            place_of={line.position: place for place, line in enumerate(lines)},
            charged_at=frozenset(e.position for e in lines if e.kind == FREIGHT_KIND),
        )

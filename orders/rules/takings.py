"""What a reduction comes to once a basket said how much it can give. Plain Python."""

from dataclasses import dataclass
from typing import Any

from orders.rules.gifts import Gift


# Not frozen, as ``StageLine`` is not: each offer makes one.
@dataclass(slots=True)
class Taking:
    """What a reduction comes to in a basket: by line, and by unit where it says so."""

    shares: tuple[tuple[int, int], ...]
    unit_shares: tuple[tuple[int, int, int], ...] = ()
    uses: tuple[tuple[int, int], ...] = ()
    gifts: tuple[Gift, ...] = ()
    #: Key of the budget that pays for it, if any.
    budget: Any = None

    @property
    def amount_minor(self) -> int:
        """Return what is taken off in all."""
        return sum([amount for _position, amount in self.shares])

    def of_positions(self, positions: frozenset[int]) -> "Taking":
        """Return the part of it that concerns some lines."""
        return Taking(
            shares=tuple(each for each in self.shares if each[0] in positions),
            unit_shares=tuple(s for s in self.unit_shares if s[0] in positions),
            uses=tuple(each for each in self.uses if each[0] in positions),
            gifts=self.gifts,
            budget=self.budget,
        )

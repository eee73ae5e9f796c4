"""What the seed modules share: chance, time, ids and progress."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: Profile -> number of members; the smallest is for tests and a quick look.
SIZES = {"xs": 120, "s": 2_000, "m": 20_000, "l": 200_000}
#: Source of demo orders and members: what a reset may remove.
SOURCE = "demo"
_ID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: The shop's history.
HISTORY = timedelta(days=400)


@dataclass(slots=True)
class DemoShop:
    """One planting. Every module draws from ``chance`` in a fixed order."""

    size: int
    language: str
    now: datetime
    chance: random.Random
    say: Callable[[str], None] = lambda text: None
    variants: list = field(default_factory=list)
    channels: list = field(default_factory=list)
    members: list = field(default_factory=list)

    def text(self, chinese: str, english: str) -> str:
        """Return the text in the data language."""
        return english if self.language == "en" else chinese

    def public_id(self, prefix: str) -> str:
        """Return an id like ``new_public_id`` but drawn from ``chance``."""
        return prefix + "_" + "".join(self.chance.choices(_ID_ALPHABET, k=26))


def batches(total: int, size: int = 1_000) -> list[range]:
    """Return ``range(total)`` in pieces that fit in memory."""
    return [range(at, min(at + size, total)) for at in range(0, total, size)]

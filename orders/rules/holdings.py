"""What a buyer has beside a cart that could go into it. Plain Python."""

from dataclasses import dataclass
from datetime import datetime

from orders.rules.offers import Refused


@dataclass(frozen=True, slots=True)
class Holding:
    """Something of the buyer's that can go into a cart by its code (C20).

    ``why`` is None where it lowers the price of this cart; then ``saves_minor`` is
    what it takes off as the cart's only code.
    """

    source_kind: str
    source_id: str
    name: str
    code: str
    expires_at: datetime
    saves_minor: int = 0
    why: Refused | None = None

"""The socket for everything that lowers a price. Plain Python.

Apps above plug in through ``crm.wiring.OFFER_SOURCES``. A source looks its offers
up and later claims what was applied; the offers themselves are plain values that the
pricing function asks in a fixed order (S1): stage, then priority (high first), then
start, then id (S3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol


class Stage(IntEnum):
    """Where in the pipeline an offer acts (S1); basis is taken on entering (S7)."""

    ITEM = 20
    ORDER = 30
    COUPON = 40
    POINTS = 60


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One position to be priced. ``kind`` is that of ``orders.Product``."""

    position: int
    variant_id: int
    product_id: int
    category_id: int | None
    sku: str
    name: str
    kind: str
    quantity: int
    unit_price_minor: int

    @property
    def gross_minor(self) -> int:
        """Return quantity times unit price."""
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """Everything a price depends on: same request, same quote (X6)."""

    lines: tuple[PriceLine, ...]
    currency: str
    now: datetime
    member_id: int | None = None
    channel_code: str = ""
    coupon_codes: tuple[str, ...] = ()
    points_to_spend: int = 0
    #: An order asks again for its own holds (C6).
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class StageLine:
    """A line as it stands on entering a stage.

    Thresholds look at ``amount_minor`` (S7). ``left_minor`` is what earlier offers of
    the same stage left of it: the base of a percentage (S8). It defaults to all.
    """

    line: PriceLine
    amount_minor: int
    left_minor: int = -1

    def __post_init__(self) -> None:
        """Fill in what nobody has taken anything from yet."""
        if self.left_minor < 0:
            object.__setattr__(self, "left_minor", self.amount_minor)


@dataclass(frozen=True, slots=True)
class Reduction:
    """What an offer takes off, and from which lines.

    ``positions`` are the eligible lines; the amount is shared over them by largest
    remainder on their amounts (S9, S10). ``points`` are spent for it, if any.
    """

    amount_minor: int
    positions: tuple[int, ...]
    points: int = 0
    trace: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an offer took nothing: a stable code and the numbers that explain it (S25).

    ``params`` holds plain values; money stands there as ``…_minor`` integers.
    """

    code: str
    params: dict[str, Any] = field(default_factory=dict)


class Offer(Protocol):
    """A reduction that may apply. Pure: the answer depends on the lines alone.

    Offers that start at a time also carry ``starts_at``, aware, for S3; without it
    the id decides, which sorts by birth.
    """

    stage: Stage
    priority: int
    source_kind: str
    source_id: str
    name: str
    #: At most one offer of a group applies; empty means no group (S4).
    exclusive_group: str

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Answer what is taken off lines as they stand on entering the stage."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """An offer that took something off, with its share of each line."""

    stage: Stage
    source_kind: str
    source_id: str
    name: str
    amount_minor: int
    #: ``(position, amount_minor)``; adds up to ``amount_minor`` (X8).
    shares: tuple[tuple[int, int], ...]
    points: int = 0
    #: ``(position, points)``; adds up to ``points``.
    point_shares: tuple[tuple[int, int], ...] = ()


class OfferSource(Protocol):
    """One entry of ``OFFER_SOURCES``: finds offers, and claims what was applied.

    A source answers only for its own ``source_kind``.
    """

    source_kind: str

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return the offers to try, and those refused at once.

        The refused are ``(source_id or code, name, Refused)``, for example a coupon
        code nobody knows.
        """
        ...

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Reserve what the order uses, inside the order's transaction.

        Raises:
            Refusal: it is gone (used up, spent, expired); the order is not placed.
        """
        ...

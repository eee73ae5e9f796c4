"""Facts the campaigns app publishes."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class CouponIssued:
    """A member got a coupon."""

    name: ClassVar[str] = "campaigns.CouponIssued"
    coupon_id: int
    member_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class CouponGivenAway:
    """A member took a coupon that another one gave away (C24)."""

    name: ClassVar[str] = "campaigns.CouponGivenAway"
    coupon_id: int
    from_member_id: int
    to_member_id: int


@dataclass(frozen=True, slots=True)
class SeatReleased:
    """A seat was given up before its group succeeded; its order is to be undone."""

    name: ClassVar[str] = "campaigns.SeatReleased"
    seat_id: int

    @property
    def key(self) -> str:
        """Return the seat's place in the queue."""
        return f"seat:{self.seat_id}"


@dataclass(frozen=True, slots=True)
class SeatOverpaid:
    """A group reached a lower price than this seat paid (G11)."""

    name: ClassVar[str] = "campaigns.SeatOverpaid"
    seat_id: int

    @property
    def key(self) -> str:
        """Return the seat's place in the queue."""
        return f"seat:{self.seat_id}"


@dataclass(frozen=True, slots=True)
class GroupSettled:
    """A group succeeded, failed or was closed."""

    name: ClassVar[str] = "campaigns.GroupSettled"
    group_id: int

    @property
    def key(self) -> str:
        """Return the group's place in the queue."""
        return f"group:{self.group_id}"

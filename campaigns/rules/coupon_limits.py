"""How often coupons may be used: by whom, and in what time (C8, C11). Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.rules.coupons import period_name

#: Everybody together.
EVERYBODY = ""


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A count that must stay within ``most``: whose, and in which period."""

    whose: str
    period: str
    most: int

    @property
    def reason(self) -> str:
        """Return the code of the refusal when the count is full."""
        if self.period:
            return "coupon_timeframe_limit"
        return "coupon_member_limit" if self.whose else "coupon_redemption_limit"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often the coupons of one template may be used; None is no limit."""

    total: int | None = None
    member: int | None = None
    #: day, week or month, for the two limits below.
    period: str = ""
    in_period: int | None = None
    member_in_period: int | None = None
    first_order_only: bool = False

    @property
    def are_personal(self) -> bool:
        """Whether it matters who uses them."""
        personal = self.member or self.member_in_period
        return bool(personal or self.first_order_only)

    def slots(
        self, subjects: Sequence[str], *, at: datetime, zone: ZoneInfo
    ) -> list[Slot]:
        """Return every count that a use takes one of, in the order they are locked.

        Args:
            subjects: whom the buyer is known as; each has counts of its own, so that
                somebody who comes back under one old identifier is recognised (C11).
        """
        wanted = [(EVERYBODY, "", self.total)]
        wanted += [(whose, "", self.member) for whose in subjects]
        if self.period:
            now = period_name(self.period, at, zone)
            wanted.append((EVERYBODY, now, self.in_period))
            wanted += [(whose, now, self.member_in_period) for whose in subjects]
        return sorted(
            Slot(whose, period, most) for whose, period, most in wanted if most
        )

"""Wrong coupon codes are counted, so that nobody can try them all (C5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from crm.shared.allowances import Rate, Spending, give_back, spend
from crm.shared.errors import Refusal

T = TypeVar("T")

_TEN_MINUTES = timedelta(minutes=10)
#: Ten wrong codes in ten minutes of one member, one device or one address, then wait.
BY_MEMBER = Rate("coupon-code:member", 10, _TEN_MINUTES)
BY_DEVICE = Rate("coupon-code:device", 10, _TEN_MINUTES)
BY_ADDRESS = Rate("coupon-code:address", 10, _TEN_MINUTES)
#: The one answer for unknown, expired and foreign codes.
WRONG = "coupon_not_found"


@dataclass(frozen=True, slots=True)
class Guesser:
    """Who types a code; what is not known is not counted.

    ``device`` names a browser session, ``address`` the caller's as
    ``members.rules.devices.caller_of`` writes it.
    """

    member_id: int | None = None
    device: str = ""
    address: str = ""

    @property
    def tries(self) -> Spending:
        """Return what one try costs."""
        known = (
            (BY_MEMBER, str(self.member_id or "")),
            (BY_DEVICE, self.device),
            (BY_ADDRESS, self.address),
        )
        return [(rate, whose) for rate, whose in known if whose]


def counted_try(work: Callable[[], T], *, guesser: Guesser, now: datetime) -> T:
    """Do something with a typed code; only a wrong code stays counted.

    Not to be called inside a transaction: the count would be undone with it.

    Args:
        work: raises a refusal of code ``coupon_not_found`` for a wrong code.

    Raises:
        TooOften: too many wrong codes in ten minutes; right ones wait, too.
    """
    spend(guesser.tries, now=now)
    try:
        done = work()
    except Refusal as refusal:
        if refusal.code != WRONG:
            give_back(guesser.tries, now=now)
        raise
    give_back(guesser.tries, now=now)
    return done

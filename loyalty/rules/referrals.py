"""When a referral counts, what speaks against it, and in which period. Plain Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

#: What makes a friend count: joining, the first paid order, or the first order that is
#: kept past its return window.
JOINING, FIRST_ORDER, KEPT_ORDER = "joining", "first_order", "kept_order"
#: How long a cap counts.
MONTH, YEAR, EVER = "month", "year", "ever"

#: What two people may have in common, the strongest first.
KINDS = ("phone", "email", "instrument", "device", "address")
#: Codes of what speaks against a referral.
SELF_REFERRAL, VELOCITY = "self_referral", "velocity"
AMONG_FRIENDS = "_among_friends"
SUSPICIONS = (
    SELF_REFERRAL,
    *(f"same_{kind}" for kind in KINDS),
    *(f"same_{kind}{AMONG_FRIENDS}" for kind in KINDS),
    VELOCITY,
)

#: Fingerprints of a person by kind; equal ones mean something in common.
Marks = Mapping[str, frozenset[bytes]]


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Money for goods that went back, in minor units."""

    at: datetime
    minor: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """A paid order with what went back of it since.

    ``closes_at`` is the end of its return window, None while it is on its way;
    ``net_minor`` is what was paid for its goods.
    """

    order_id: int
    paid_at: datetime
    closes_at: datetime | None
    net_minor: int
    given_back: tuple[GivenBack, ...] = ()

    def kept_minor(self, at: datetime | None = None) -> int:
        """Return what is kept of it at a moment; None is after all that happened."""
        gone = sum(
            each.minor for each in self.given_back if at is None or each.at <= at
        )
        return self.net_minor - gone


@dataclass(frozen=True, slots=True)
class Conversion:
    """What made a friend count, and when; ``order_id`` is None for joining."""

    order_id: int | None
    at: datetime


def conversion_of(
    event: str,
    *,
    joined_at: datetime,
    least_minor: int,
    purchases: Iterable[Purchase],
    now: datetime,
) -> Conversion | None:
    """Return what makes a friend count by ``now``; None is not yet.

    An order counts at one moment, when it is paid or when its window ends, by what is
    kept of it then. What happens to it later does not choose another order, so that it
    does not matter when anybody looks.

    An order of which nothing was paid for goods never counts.

    Args:
        event: JOINING, FIRST_ORDER or KEPT_ORDER.
        least_minor: what the goods of the order must come to.
        purchases: of the friend since joining.
    """
    if event == JOINING:
        return Conversion(None, joined_at)
    found = [
        (moment, each.order_id)
        for each in purchases
        if (moment := each.paid_at if event == FIRST_ORDER else each.closes_at)
        and moment <= now
        and _is_enough(each.kept_minor(moment), least_minor)
    ]
    if not found:
        return None
    at, order_id = min(found)
    return Conversion(order_id, at)


def still_counts(purchase: Purchase, *, least_minor: int) -> bool:
    """Whether an order that made a friend count still does; nothing kept never does.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 21, 4, tzinfo=UTC)
    >>> bought = Purchase(1, noon, None, 10_000, (GivenBack(noon, 4_000),))
    >>> still_counts(bought, least_minor=6_000), still_counts(bought, least_minor=6_001)
    (True, False)
    """
    return _is_enough(purchase.kept_minor(), least_minor)


def suspicions(
    *,
    is_one_member: bool,
    friend: Marks,
    inviter: Marks,
    others: Marks,
    joined_lately: int,
    most_lately: int,
) -> tuple[str, ...]:
    """Return the codes of what speaks against a referral, strongest first.

    Args:
        is_one_member: whether inviter and friend have become one member.
        others: marks of the inviter's other friends together.
        joined_lately: friends of the inviter who joined in the hours up to this one.
        most_lately: how many of them are nothing special; 0 is any number.

    >>> phone = {"phone": frozenset({b"1"})}
    >>> suspicions(is_one_member=False, friend=phone, inviter=phone, others={},
    ...            joined_lately=4, most_lately=3)
    ('same_phone', 'velocity')
    """
    found = {SELF_REFERRAL} if is_one_member else set()
    found |= {f"same_{kind}" for kind in _shared(friend, inviter)}
    found |= {f"same_{kind}{AMONG_FRIENDS}" for kind in _shared(friend, others)}
    if most_lately and joined_lately > most_lately:
        found.add(VELOCITY)
    return tuple(code for code in SUSPICIONS if code in found)


def period_of(at: datetime, *, length: str, zone: ZoneInfo) -> str:
    """Return the period of a cap that a moment falls in, by the shop's calendar.

    >>> from datetime import UTC
    >>> late = datetime(2026, 12, 31, 20, tzinfo=UTC)
    >>> [period_of(late, length=each, zone=ZoneInfo("Asia/Shanghai"))
    ...  for each in (MONTH, YEAR, EVER)]
    ['2027-01', '2027', 'ever']
    """
    day = at.astimezone(zone)
    return {MONTH: f"{day:%Y-%m}", YEAR: f"{day:%Y}", EVER: EVER}[length]


def reaches_milestone(friends: int, *, every: int) -> bool:
    """Whether so many friends are a milestone of a program; ``every`` 0 has none."""
    return every > 0 and friends > 0 and friends % every == 0


def _is_enough(kept_minor: int, least_minor: int) -> bool:
    return kept_minor >= max(least_minor, 1)


def _shared(one: Marks, other: Marks) -> set[str]:
    nothing: frozenset[bytes] = frozenset()
    return {kind for kind in KINDS if one.get(kind, nothing) & other.get(kind, nothing)}

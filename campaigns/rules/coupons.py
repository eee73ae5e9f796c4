"""Coupons: codes, states, and what a coupon takes off. Plain Python."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.rules.promotions import ELIGIBLE_KINDS
from crm.shared.dates import bounds_of_day
from crm.shared.money import percent_of
from orders.rules.lines import ON_SALE, StageLine, StageLines, eligible
from orders.rules.offers import Offer, Reduction, Refused, Stage

#: Without 0/O and 1/I/L, which people mix up (C4). 31 is prime: see check_character.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
#: 13 characters of 31 are 64 bits; one more character checks the others.
RANDOM_LENGTH = 13
CODE_LENGTH = RANDOM_LENGTH + 1
#: Codes of a batch begin with a prefix of 2 to 6 characters.
_WITH_PREFIX = range(CODE_LENGTH + 2, CODE_LENGTH + 7)
#: Public codes are words of this many characters.
_PUBLIC = range(4, 13)

#: State -> states it may move to (C1). No other moves.
MOVES = {
    "available": frozenset({"held", "expired", "revoked"}),
    "held": frozenset({"used", "available", "expired", "revoked"}),
    "used": frozenset({"available"}),
    "expired": frozenset(),
    "revoked": frozenset(),
}


#: What the source of a coupon from the claim centre begins with; its number follows.
CLAIM = "claim:"


def next_claim(sources: Iterable[str]) -> int:
    """Return the number of a member's next claim of a template (C2).

    It was never used before, however many coupons merging brought or took away: points
    are paid once for each number.

    >>> next_claim(["claim:1", "claim:3", "mrg_01:7"])
    4
    """
    used = [each.removeprefix(CLAIM) for each in sources if each.startswith(CLAIM)]
    return max(map(int, used), default=0) + 1


def check_character(random_part: str) -> str:
    """Return the character that finds any single typo and any swap of neighbours.

    Weighted sum modulo 31: weights differ between neighbours and 31 is prime, so
    neither error leaves the sum as it was.

    >>> check_character("2222222222223")
    'F'
    """
    total = sum(
        (weight + 1) * ALPHABET.index(character)
        for weight, character in enumerate(random_part)
    )
    return ALPHABET[total % len(ALPHABET)]


def new_code(choose: Callable[[str], str] = secrets.choice) -> str:
    """Return a fresh code of 64 random bits and its check character."""
    random_part = "".join(choose(ALPHABET) for _ in range(RANDOM_LENGTH))
    return random_part + check_character(random_part)


def normalise_code(typed: str) -> str:
    """Return a code as stored: upper case, without spaces and separators (C4).

    >>> normalise_code(" vip2-abcd ")
    'VIP2ABCD'
    """
    return "".join(c for c in typed.upper() if c.isascii() and c.isalnum())


def is_plausible(code: str) -> bool:
    """Tell a mistyped code without asking the database.

    A coupon's own code and one of a batch carry a check character; of a public code
    only its length can be wrong.
    """
    if len(code) in _PUBLIC:
        return True
    return (
        (len(code) == CODE_LENGTH or len(code) in _WITH_PREFIX)
        and set(code) <= set(ALPHABET)
        and check_character(code[:-1]) == code[-1]
    )


def display_code(code: str) -> str:
    """Return a code in groups that can be read out.

    >>> display_code("23456789ABCDEF")
    '2345-6789-ABCDEF'
    """
    return "-".join(filter(None, (code[:4], code[4:8], code[8:])))


def expiry_of(issued_at: datetime, *, days: int, zone: ZoneInfo) -> datetime:
    """Return the end of day ``days`` after issue in the shop's zone (C3), in UTC."""
    last_day = issued_at.astimezone(zone).date() + timedelta(days=days)
    return bounds_of_day(last_day, zone)[1]


@dataclass(frozen=True, slots=True)
class Validity:
    """When the coupons of a template can be used (C3)."""

    days: int
    begins_at: datetime | None = None
    #: One end for everybody; it replaces the days.
    ends_at: datetime | None = None
    #: No coupon outlives this; None where it may outlive its campaign.
    campaign_ends_at: datetime | None = None

    def of_coupon(
        self, issued_at: datetime, zone: ZoneInfo
    ) -> tuple[datetime | None, datetime]:
        """Return from when on and until when a coupon issued now can be used.

        The first is None for one that can be used at once.
        """
        begins_at = self.begins_at
        if begins_at is not None and begins_at <= issued_at:
            begins_at = None
        ends_at = self.ends_at or expiry_of(issued_at, days=self.days, zone=zone)
        if self.campaign_ends_at is not None:
            ends_at = min(ends_at, self.campaign_ends_at)
        return begins_at, ends_at


def period_name(kind: str, at: datetime, zone: ZoneInfo) -> str:
    """Return the day, ISO week or month that ``at`` lies in, in the shop's zone.

    >>> from datetime import UTC
    >>> sunday = datetime(2026, 11, 22, 20, tzinfo=UTC)
    >>> period_name("week", sunday, ZoneInfo("Asia/Shanghai"))
    '2026-W48'
    """
    day = at.astimezone(zone).date()
    if kind == "day":
        return day.isoformat()
    if kind == "week":
        year, week, _weekday = day.isocalendar()
        return f"{year}-W{week:02d}"
    if kind == "month":
        return f"{day:%Y-%m}"
    raise ValueError(f"{kind!r} is no period.")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a coupon promises, as stored with it when it was issued (C23)."""

    kind: str
    amount_minor: int = 0
    percent_bp: int = 0
    cap_minor: int | None = None
    min_spend_minor: int = 0
    name: str = ""
    name_en: str = ""
    returns: bool = True
    #: What a partial return does to it (R6): ``keep`` or ``reprice``.
    on_return: str = "keep"
    #: It can be used by who has no paid order yet (C12).
    for_first_order: bool = False
    #: Goods whose unit price is below list are passed by (C17).
    skips_discounted: bool = False


def coupon_value(terms: Terms, basis_minor: int) -> int:
    """Return what a coupon takes off a basis.

    A fixed amount is capped at the basis, the rest is lost (C15). A percentage is
    rounded half up once, then capped (C16).

    >>> coupon_value(Terms(kind="percent", percent_bp=2000), 1999)
    400
    """
    if terms.kind == "percent":
        off = percent_of(basis_minor, terms.percent_bp)
        if terms.cap_minor is not None:
            off = min(off, terms.cap_minor)
        return off
    return min(terms.amount_minor, basis_minor)


class ReturnOf(StrEnum):
    """What a refund does to a coupon that paid a part of the order (C10)."""

    RETURNS = "returns"
    #: It had expired and gets its days of grace.
    GRACE = "grace"
    EXPIRED = "expired"
    STAYS = "stays"
    STAYS_PARTIAL = "stays_partial"


def return_of(
    *,
    returns: bool,
    expires_at: datetime,
    closes_order: bool,
    grace_days: int = 0,
    now: datetime,
) -> ReturnOf:
    """Return what a refund does to a used coupon (C10).

    Args:
        returns: whether its terms promise to give it back.
        closes_order: whether the whole order is refunded with it.
        grace_days: how long it can be used again if it expired meanwhile.
    """
    if not closes_order:
        return ReturnOf.STAYS_PARTIAL
    if not returns:
        return ReturnOf.STAYS
    if expires_at > now:
        return ReturnOf.RETURNS
    return ReturnOf.GRACE if grace_days else ReturnOf.EXPIRED


@dataclass(frozen=True, slots=True)
class CouponOffer(Offer):
    """One coupon as the pricing function sees it."""

    source_id: str
    name: str
    promise: Terms
    priority: int = 0
    exclusive_group: str = "coupon"
    source_kind: str = "coupon"
    stage: Stage = Stage.COUPON
    #: What its budget can still pay for; None is no budget (C22).
    budget_left_minor: int | None = None
    #: Which budget that is: promotions may share it (S21).
    budget_id: int | None = None

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Take the coupon off the goods, from its threshold on (C13, C17, C18)."""
        if self.promise.skips_discounted:
            lines_at_list = [e for e in lines if ON_SALE not in e.line.every_mark]
            goods = eligible(lines_at_list, ELIGIBLE_KINDS)
        else:
            goods = eligible(lines, ELIGIBLE_KINDS)
        basis = goods.amount_minor
        if basis < self.promise.min_spend_minor:
            return Refused(
                "coupon_min_spend_not_met",
                {"missing_minor": self.promise.min_spend_minor - basis},
            )
        # Thresholds look at the stage's basis, reductions at what is left of it (S8).
        off = coupon_value(self.promise, goods.left_minor)
        if off == 0:
            return Refused("coupon_products_not_eligible")
        budget = None if self.budget_left_minor is None else self.budget_id
        spent = lines.spent.get(budget, 0) if isinstance(lines, StageLines) else 0
        if self.budget_left_minor is not None and off > self.budget_left_minor - spent:
            return Refused("coupon_budget_exhausted")
        return Reduction(
            amount_minor=off,
            positions=goods.positions,
            trace={"basis_minor": basis},
            budget=budget,
        )

    @property
    def on_return(self) -> str:
        """Return what a partial return does to it (R6)."""
        return self.promise.on_return

    def terms(self) -> dict[str, Any]:
        """Return what makes the same offer again."""
        return asdict(self.promise)

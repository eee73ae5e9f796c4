"""What one paid order books: points, qualifying value, the lift it brings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Concat

from crm.shared.money import WHOLE_BP
from crm.shared.outbox import record
from loyalty.events import PointsEarned
from loyalty.models import (
    Benefit,
    PointsAccount,
    PointsEntry,
    Program,
    QualifyingEntry,
    Tier,
)
from loyalty.queries.benefits import best_number
from loyalty.queries.earning import PLAN, TIER, EarningTerms
from loyalty.queries.plans import plan_then
from loyalty.queries.purchases import WHOLE, Purchase, parts_of, purchase_of
from loyalty.queries.tiers import tier_held
from loyalty.rules.activation import active_from
from loyalty.rules.earning import Earned, Occurrence, Part, evaluate
from loyalty.rules.expiry import end_of_term
from loyalty.rules.ledger import Book, Movement
from loyalty.rules.plans import better_multiplier_bp
from loyalty.rules.terms import Occasion
from loyalty.services.capping import Tallies, open_tallies
from loyalty.services.counting import counted_for
from loyalty.services.holding import capture_hold
from loyalty.services.posting import book_of, post_one
from loyalty.services.tiering import review_tier
from loyalty.services.valuing import count_value
from members.queries import could_earn
from orders.models import Order
from orders.queries.returns import return_deadline

_LONGER = Benefit.Kind.POINTS_TERM


def source_of(order: Order) -> str:
    """Return how the ledger names an order."""
    return f"order:{order.public_id}"


@dataclass(frozen=True, slots=True)
class Earner:
    """What a member's orders earn by, besides the rules."""

    #: The tier held when the order was paid (P7); None where there is none.
    tier: Tier | None
    #: False for a membership that could not earn then: it books 0 points.
    may_earn: bool = True
    #: By how many months a benefit lengthens the term of the points (P10).
    more_months: int = 0
    #: ``code`` and ``multiplier_bp`` of the plan held then; empty where there is none.
    plan: Mapping[str, Any] = field(default_factory=dict)

    @property
    def multiplier(self) -> tuple[str, int]:
        """Return the better multiplier of tier and plan (T18), and what it is of."""
        tier_bp = self.tier.multiplier_bp if self.tier else WHOLE_BP
        plan_bp = self.plan.get("multiplier_bp", WHOLE_BP)
        best = better_multiplier_bp(tier_bp, plan_bp) if self.may_earn else 0
        if self.tier is None or plan_bp > tier_bp:
            return f"{PLAN}{self.plan.get('code', '')}", best
        return f"{TIER}{self.tier.code}", best

    def terms_of(self, terms: EarningTerms) -> EarningTerms:
        """Return the terms the membership earns by: without rules if it could not."""
        return terms if self.may_earn else EarningTerms(terms.program, ())


def earner_of(*, member_id: int, at: datetime) -> Earner:
    """Return what a member's purchase at a moment earns by."""
    account = _accounts(at=at).filter(pk=member_id).first()
    if account is None:
        return Earner(None, could_earn(member_id=member_id, at=at))
    return _earner(account, at=at)


def _accounts(*, at: datetime):
    accounts = PointsAccount.objects.select_related("tier")
    lengthens = Benefit.objects.filter(is_active=True, kind=_LONGER)
    return accounts.annotate(plan_then=plan_then(at=at), is_longer=Exists(lengthens))


def _earner(account: PointsAccount, *, at: datetime) -> Earner:
    return Earner(
        tier_held(account=account, at=at),
        could_earn(member_id=account.pk, at=at),
        plan=account.plan_then or {},
        more_months=best_number(account.pk, _LONGER, at) if account.is_longer else 0,
    )


def earned_for(
    order: Order, *, parts: Sequence[Part], terms: EarningTerms, earner: Earner
) -> Earned:
    """Return what an order of ``with_basis`` earns; see ``earned_by``."""
    purchase = purchase_of(order, tier_code=earner.tier.code if earner.tier else "")
    return earned_by(purchase, parts=parts, terms=terms, earner=earner)


def earned_by(
    purchase: Purchase, *, parts: Sequence[Part], terms: EarningTerms, earner: Earner
) -> Earned:
    """Return what a purchase earns, be it an order or not yet; caps come after.

    The one way it is found: booking, imports, estimates and simulations (X6).
    """
    facts = purchase.facts(units=sum(part.units for part in parts))
    rules = terms.with_multiplier(*earner.multiplier) if earner.may_earn else ()
    return evaluate(rules, Occurrence(purchase.at, tuple(parts), facts))


def earn_in(
    book: Book,
    *,
    order: Order,
    earned: Earned,
    earner: Earner,
    terms: EarningTerms,
    active_at: datetime | None,
    now: datetime,
) -> Movement:
    """Book in ``book`` what an order earns (P5, P6).

    Args:
        active_at: when the points begin to count, from which they expire; None until
            that is known (P9).
    """
    trace: dict[str, Any] = {"basis_minor": order.basis_minor}
    _of, trace["multiplier_bp"] = earner.multiplier
    if earner.tier is not None:
        trace["tier"] = earner.tier.code
    if earner.plan:
        trace["plan"] = earner.plan["code"]
    is_split = any(part.position != WHOLE for part in earned.occurrence.parts)
    return book.add(
        PointsEntry.Kind.EARN,
        earned.points,
        source=source_of(order),
        occurred_at=order.paid_at,
        active_at=active_at,
        expires_at=end_of_points(
            active_at=active_at, terms=terms.program, more_months=earner.more_months
        ),
        at=now,
        trace=trace | earned.trace(lines=is_split),
    )


def activation_of(order: Order, *, terms: Program) -> datetime | None:
    """Return when points of an order become active; None is not known yet (P9)."""
    return active_from(
        terms.activation,
        paid_at=order.paid_at,
        days=terms.activation_days,
        returns_end_at=return_deadline(order.delivered_at),
    )


def end_of_points(
    *, active_at: datetime | None, terms: Program, more_months: int = 0
) -> datetime | None:
    """Return when points active from then end in this program (P10).

    What is not active yet has no end yet: the term counts from then (P9).

    Args:
        more_months: by so many a benefit lengthens the term, where there is one.
    """
    if active_at is None:
        return None
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    months = terms.valid_months
    if months is not None:
        months += more_months
    return end_of_term(active_at, months=months, zone=zone)


def earning_orders(orders):
    """Return those orders of a query that earn: paid with money, wholly or in part.

    What replaces units for their value earns nothing: the first order did (R13).
    """
    return orders.filter(
        Q(exchange_of__isnull=True) | Q(paid_with__exchanged_minor__lt=F("total_minor"))
    )


def not_booked(orders, *, accounts: Collection[int] | None = None):
    """Return those orders of a query that have no earn entry yet (P4).

    Args:
        accounts: where to look; the accounts of the orders' members when left out.
    """
    booked = PointsEntry.objects.filter(
        in_accounts(accounts, member="member_id"),
        kind=PointsEntry.Kind.EARN,
        source=Concat(Value("order:"), OuterRef("public_id")),
    )
    return orders.filter(~Exists(booked))


def in_accounts(accounts: Collection[int] | None, *, member: str) -> Q:
    """Return the filter for entries of ``accounts``, or of the outer ``member``."""
    if accounts is None:
        return Q(account_id=OuterRef(member))
    return Q(account_id__in=accounts)


def book_order(order: Order, *, terms: EarningTerms, now: datetime) -> PointsEntry:
    """Book an order of ``with_basis`` whose account is locked; see ``earning``.

    Spends what was reserved for it, earns by the tier or the plan held when it was paid
    (P7, T18) unless the membership could not earn then, and publishes PointsEarned and
    TierChanged.
    """
    if order.points_spent:
        capture_hold(source=source_of(order), now=now)
    account = _accounts(at=order.paid_at).get(pk=order.member_id)
    earner = _earner(account, at=order.paid_at)
    parts = parts_of([order], terms, by_line=True)[order.pk]
    tallies = open_tallies(rows=terms.rows, asked=[(order.member_id, order.paid_at)])
    earned = tallies.cap(
        earned_for(order, parts=parts, terms=terms, earner=earner),
        member_id=order.member_id,
    )
    book = book_of(account)
    movement = earn_in(
        book,
        order=order,
        earned=earned,
        earner=earner,
        terms=terms,
        active_at=activation_of(order, terms=terms.program),
        now=now,
    )
    entry = post_one(book, movement=movement)
    _count(order, earned=earned, earner=earner, terms=terms, tallies=tallies)
    tallies.write()
    count_value(member_ids=[order.member_id])
    record(
        PointsEarned(member_id=order.member_id, entry_id=entry.pk, points=entry.points)
    )
    review_tier(
        member_id=order.member_id,
        reason=source_of(order),
        now=now,
        occasion=Occasion.PAYMENT,
        since=order.paid_at,
        cause=source_of(order),
    )
    return entry


def _count(
    order: Order,
    *,
    earned: Earned,
    earner: Earner,
    terms: EarningTerms,
    tallies: Tallies,
) -> None:
    """Write the qualifying value, and what else the order counts in (T1)."""
    value = QualifyingEntry(
        member_id=order.member_id,
        value_minor=order.basis_minor,
        source=source_of(order),
        occurred_at=order.paid_at,
    )
    others = counted_for(
        earned.occurrence,
        terms=earner.terms_of(terms),
        tallies=tallies,
        member_id=order.member_id,
        source=source_of(order),
    )
    QualifyingEntry.objects.bulk_create([value, *others])

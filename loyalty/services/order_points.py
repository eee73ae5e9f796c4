"""What one paid order books: points, qualifying value, the lift it brings."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Sum, Value
from django.db.models.functions import Coalesce, Concat

from crm.shared.money import WHOLE_BP
from crm.shared.outbox import record
from loyalty.events import PointsEarned
from loyalty.models import PointsAccount, PointsEntry, Program, QualifyingEntry
from loyalty.queries.plans import plan_then
from loyalty.queries.program import program
from loyalty.queries.tiers import tier_held
from loyalty.rules.expiry import end_of_term
from loyalty.rules.ledger import Book, Movement
from loyalty.rules.plans import better_multiplier_bp
from loyalty.rules.points import earned_points
from loyalty.services.holding import capture_hold
from loyalty.services.posting import book_of, post_one
from loyalty.services.tiering import review_tier
from loyalty.services.valuing import count_value
from members.queries import could_earn
from orders.models import Order, Product


def source_of(order: Order) -> str:
    """Return how the ledger names an order."""
    return f"order:{order.public_id}"


def earn_in(
    book: Book,
    *,
    order: Order,
    basis_minor: int,
    terms: Program,
    multiplier_bp: int,
    active_at: datetime,
) -> Movement:
    """Book in ``book`` what an order earns on ``basis_minor`` (P5, P6).

    Args:
        active_at: when the points begin to count, from which they expire (P9).
    """  # fmt: skip
    return book.add(
        PointsEntry.Kind.EARN,
        earned_points(
            basis_minor,
            minor_per_point=terms.minor_per_point,
            multiplier_bp=multiplier_bp,
        ),
        source=source_of(order),
        occurred_at=order.paid_at,
        active_at=active_at,
        expires_at=end_of_points(active_at=active_at, terms=terms),
        trace={
            "basis_minor": basis_minor,
            "minor_per_point": terms.minor_per_point,
            "multiplier_bp": multiplier_bp,
        },
    )


def end_of_points(*, active_at: datetime, terms: Program) -> datetime | None:
    """Return when points active from then end in this program (P10)."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    return end_of_term(active_at, months=terms.valid_months, zone=zone)


def with_basis(orders):
    """Return a query of orders with ``basis_minor``: net of their goods (P5).

    Freight, fees and gift cards earn nothing. What points paid is a reduction of the
    lines, so the net is without it. Of an exchange only the difference that was paid
    for earns (R14).
    """
    goods = Q(lines__kind=Product.Kind.GOODS)
    return orders.annotate(
        basis_minor=Coalesce(Sum("lines__net_minor", filter=goods), 0)
        - Coalesce(F("paid_with__exchanged_minor"), 0)
    )


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


def book_order(order: Order, *, now: datetime) -> PointsEntry:
    """Book an order of ``with_basis`` whose account is locked; see ``earning``.

    Spends what was reserved for it, earns by the tier or the plan held when it was paid
    (P7, T18) unless the membership could not earn then, and publishes PointsEarned and
    TierChanged.
    """
    if order.points_spent:
        capture_hold(source=source_of(order), now=now)
    accounts = PointsAccount.objects.select_related("tier")
    account = accounts.annotate(plan_then=plan_then(at=order.paid_at)).get(
        pk=order.member_id
    )
    tier = tier_held(account=account, at=order.paid_at)
    plan = account.plan_then or {}
    multiplier_bp = better_multiplier_bp(
        tier.multiplier_bp if tier else WHOLE_BP, plan.get("multiplier_bp", WHOLE_BP)
    )
    if not could_earn(member_id=order.member_id, at=order.paid_at):
        multiplier_bp = 0
    book = book_of(account)
    movement = earn_in(
        book,
        order=order,
        basis_minor=order.basis_minor,
        terms=program(),
        multiplier_bp=multiplier_bp,
        active_at=order.paid_at,
    )
    if tier is not None:
        movement.trace["tier"] = tier.code
    if plan:
        movement.trace["plan"] = plan["code"]
    entry = post_one(book, movement=movement)
    QualifyingEntry.objects.create(
        member_id=order.member_id,
        value_minor=order.basis_minor,
        source=source_of(order),
        occurred_at=order.paid_at,
    )
    count_value(member_ids=[order.member_id])
    record(
        PointsEarned(member_id=order.member_id, entry_id=entry.pk, points=entry.points)
    )
    review_tier(
        member_id=order.member_id,
        reason=source_of(order),
        now=now,
        since=order.paid_at,
        may_lower=False,
        cause=source_of(order),
    )
    return entry

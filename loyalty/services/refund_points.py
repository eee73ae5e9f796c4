"""What one refund books: points back and forth, qualifying value, the tier."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Sum, Value
from django.db.models.functions import Concat

from loyalty.models import (
    LotTake,
    PointsAccount,
    PointsEntry,
    PointsLot,
    Program,
    QualifyingEntry,
)
from loyalty.queries import program
from loyalty.rules.clawback import points_due
from loyalty.rules.ledger import Book, Movement, SpentTake
from loyalty.rules.lots import Lot
from loyalty.services.order_points import in_accounts, source_of
from loyalty.services.posting import book_of, lot_of, post_one
from loyalty.services.tiering import review_tier
from loyalty.services.valuing import count_value
from orders.models import Product, Refund, RefundLine


@dataclass(slots=True, eq=False)
class Earning:
    """What an order earned, and what refunds took back of it so far."""

    entry: Movement | int
    points: int
    basis_minor: int
    lot: Lot | None
    refunded_minor: int = 0


def book_refund(refund: Refund, *, now: datetime) -> PointsEntry:
    """Book a refund whose order is booked and whose account is locked; see ``clawing``.

    Points spent on the refunded goods go back first (P20), then earned points are
    taken back cumulatively (P19).
    """
    order = refund.order
    account = PointsAccount.objects.get(pk=order.member_id)
    earned = PointsEntry.objects.get(
        account_id__in=account.accounts,
        kind=PointsEntry.Kind.EARN,
        source=source_of(order),
    )
    source = f"refund:{refund.public_id}"
    book = book_of(account)
    spent = _load_lots(book, account.accounts, order_source=source_of(order))
    if refund.points_returned:
        book.give_back(refund.points_returned, spent, source=source, now=now)
    earning = earnings_of([earned], lots=book.lots)[earned.pk]
    goods = refunded_goods([refund.pk]).get(refund.pk, 0)
    movement = claw_for_refund(
        book, earning=earning, refund=refund, goods_minor=goods, terms=program(), at=now
    )
    entry = post_one(book, movement=movement)
    QualifyingEntry.objects.create(
        member_id=order.member_id,
        value_minor=-goods,
        source=source,
        occurred_at=order.paid_at,
    )
    count_value(member_ids=[order.member_id])
    review_tier(
        member_id=order.member_id, reason=source, now=now, since=refund.completed_at
    )
    return entry


def not_settled(refunds, *, accounts: Collection[int] | None = None):
    """Return those refunds of a query that took nothing back yet (R10).

    Args:
        accounts: where to look; the accounts of the orders' members when left out.
    """
    settled = PointsEntry.objects.filter(
        in_accounts(accounts, member="order__member_id"),
        kind=PointsEntry.Kind.CLAW_BACK,
        source=Concat(Value("refund:"), OuterRef("public_id")),
    )
    return refunds.filter(~Exists(settled), state=Refund.State.COMPLETED)


def claw_for_refund(
    book: Book,
    *,
    earning: Earning,
    refund: Refund,
    goods_minor: int,
    terms: Program,
    at: datetime,
) -> Movement:
    """Book what a refund of goods for ``goods_minor`` takes back of its order (P19)."""
    due = points_due(
        earning.points,
        basis_minor=earning.basis_minor,
        refunded_before_minor=earning.refunded_minor,
        refunded_minor=goods_minor,
    )
    earning.refunded_minor += goods_minor
    return book.claw_back(
        due,
        own_lot=earning.lot,
        may_owe=terms.claw_back == Program.ClawBack.DEBT,
        at=at,
        source=f"refund:{refund.public_id}",
        occurred_at=refund.completed_at,
        trace={"refunded_minor": goods_minor, "basis_minor": earning.basis_minor},
        reverses=earning.entry,
    )


def earnings_of(
    entries: Sequence[PointsEntry], *, lots: Sequence[Lot]
) -> dict[int, Earning]:
    """Return earnings by entry id, with what earlier refunds took off them.

    Args:
        entries: earn entries of locked accounts.
        lots: lots that still hold something; an entry whose lot is not among them has
            nothing left to take.
    """
    by_id = {lot.id: lot for lot in lots}
    opened = dict(
        PointsLot.objects.filter(entry__in=entries).values_list("entry_id", "pk")
    )
    found = {
        entry.pk: Earning(
            entry=entry.pk,
            points=entry.points,
            basis_minor=entry.trace["basis_minor"],
            lot=by_id.get(opened.get(entry.pk)),
        )
        for entry in entries
    }
    for reversal in PointsEntry.objects.filter(reverses__in=entries):
        found[reversal.reverses_id].refunded_minor += reversal.trace["refunded_minor"]
    return found


def refunded_goods(refund_ids: Sequence[int]) -> dict[int, int]:
    """Return the goods value of refunds by id; freight and fees earned nothing."""
    return dict(
        RefundLine.objects.filter(
            refund_id__in=refund_ids, order_line__kind=Product.Kind.GOODS
        )
        .values("refund_id")
        .annotate(goods=Sum("amount_minor"))
        .values_list("refund_id", "goods")
    )


def _load_lots(
    book: Book, accounts: Collection[int], *, order_source: str
) -> list[SpentTake]:
    """Put the lots that hold something, or paid for the order, into the book.

    A lot that went to another member with a merge, or came back from there, is not
    this book's to fill; what it gave opens a new one.

    Returns:
        What the order took from which lot.
    """
    rows = (
        LotTake.objects.filter(
            entry__account_id__in=accounts,
            entry__kind=PointsEntry.Kind.SPEND,
            entry__source=order_source,
        )
        .select_related("lot")
        .order_by("id")
    )
    takes = list(rows)
    lots = {take.lot_id: lot_of(take.lot) for take in takes}
    for row in PointsLot.objects.filter(account_id=book.member_id, remaining__gt=0):
        lots.setdefault(row.pk, lot_of(row))
    foreign = {take.lot_id for take in takes if take.lot.account_id != book.member_id}
    book.lots = [lot for pk, lot in lots.items() if pk not in foreign]
    return [
        SpentTake(
            id=take.pk,
            lot=lots[take.lot_id],
            points=take.points,
            returned=take.returned,
            restored=take.restored,
            is_own=take.lot.account_id == book.member_id,
        )
        for take in takes
    ]

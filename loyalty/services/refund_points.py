"""What one refund books: points back and forth, qualifying value, the tier."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat

from loyalty.models import (
    LotTake,
    PointsAccount,
    PointsEntry,
    PointsLot,
    Program,
    QualifyingEntry,
)
from loyalty.queries.earned_lines import units_back
from loyalty.queries.program import program
from loyalty.queries.purchases import kinds_that_earn
from loyalty.rules.clawback import Shortage, shortage_of
from loyalty.rules.ledger import Book, Movement, SpentTake
from loyalty.rules.terms import Occasion
from loyalty.services.counting import GivenBack, counted_back
from loyalty.services.order_points import in_accounts, source_of
from loyalty.services.points_due import (
    Due,
    Earning,
    Settlement,
    dues_of,
    earnings_of,
)
from loyalty.services.posting import book_of, lot_of, post_one
from loyalty.services.tiering import review_tier
from loyalty.services.valuing import count_value
from orders.models import Order, Refund
from orders.queries.refunds import goods_minor, line_of
from orders.rules.refund_effects import Shortfall


@dataclass(frozen=True, slots=True)
class Moved:
    """What a refund moved: points back (None when none were spent), and taken.

    ``taken`` is one claw-back of each order that earned; the first order's is the last.
    ``earnings`` says by order what is back of it now.
    """

    back: Movement | None
    taken: tuple[tuple[Order, Movement], ...]
    earnings: Mapping[int, Earning]


def move_for_refund(
    settlement: Settlement,
    *,
    account: PointsAccount,
    orders: Sequence[Order],
    now: datetime,
) -> tuple[Book, Moved]:
    """Move the points of a refund in a book: for booking and for a preview alike.

    Points spent go back to the lots of the first order. Of orders that replace units
    what was earned on a difference is taken first (R14), the rest of the first one.

    Args:
        orders: of the refund; see ``orders.queries.refunds.line_of``.

    Raises:
        PointsEntry.DoesNotExist: what the first order earned is not booked yet.
    """
    entries = PointsEntry.objects.filter(
        account_id__in=account.accounts,
        kind=PointsEntry.Kind.EARN,
        source__in=[source_of(order) for order in orders],
    )
    earned = {entry.source: entry for entry in entries}
    root = orders[-1]
    if source_of(root) not in earned:
        raise PointsEntry.DoesNotExist
    book = book_of(account)
    spent = load_lots(book, accounts=account.accounts, spent_for=source_of(root))
    back = None
    if settlement.points_back:
        back = book.give_back(
            settlement.points_back,
            spent,
            source=settlement.source,
            now=now,
            grace=settlement.grace,
        )
    earnings = earnings_of(list(earned.values()), lots=book.lots)
    by_order = [
        (order, earnings[earned[source_of(order)].pk])
        for order in orders
        if source_of(order) in earned
    ]
    taken = tuple(_claws(book, by_order, settlement, now))
    return book, Moved(back, taken, {order.pk: own for order, own in by_order})


def _claws(
    book: Book,
    earnings: Sequence[tuple[Order, Earning]],
    settlement: Settlement,
    now: datetime,
) -> Iterator[tuple[Order, Movement]]:
    for due in dues_of(settlement, earnings=earnings):
        yield due.order, claw_for_refund(book, due=due, at=now)


def book_refund(refund: Refund, *, now: datetime) -> PointsEntry:
    """Book a refund whose order is booked and whose account is locked; see ``clawing``.

    Points spent on the refunded goods go back first (P20), then earned points are
    taken back cumulatively (P19).
    """
    member_id = refund.order.member_id
    account = PointsAccount.objects.get(pk=member_id)
    terms = program()
    kinds = kinds_that_earn(terms)
    goods = goods_minor([refund.pk], kinds=kinds).get(refund.pk, 0)
    settlement = settlement_of(
        refund, goods_minor=goods, terms=terms, units=units_back(refund)
    )
    book, moved = move_for_refund(
        settlement, account=account, orders=line_of(refund.order), now=now
    )
    entry = post_one(book, movement=moved.taken[-1][1])
    QualifyingEntry.objects.bulk_create(counts_of_refund(moved, account=account))
    count_value(member_ids=[member_id])
    review_tier(
        member_id=member_id,
        reason=settlement.source,
        now=now,
        occasion=Occasion.RETURN,
        since=refund.completed_at,
    )
    return entry


def counts_of_refund(moved: Moved, *, account: PointsAccount) -> list[QualifyingEntry]:
    """Return what a refund takes back of counted currencies, not yet written (P19).

    For booking and for a preview alike. Two statements at most.
    """
    # The value falls in the window of the order that brought it (T2).
    values = [
        QualifyingEntry(
            member_id=account.pk,
            value_minor=-movement.trace["refunded_minor"],
            source=movement.source,
            occurred_at=order.paid_at,
        )
        for order, movement in moved.taken
    ]
    others = counted_back(
        [
            given_back(
                account=account,
                order=order,
                earning=moved.earnings[order.pk],
                source=movement.source,
            )
            for order, movement in moved.taken
        ]
    )
    return [*values, *others]


def given_back(
    *, account: PointsAccount, order: Order, earning: Earning, source: str
) -> GivenBack:
    """Return what is back of an order after a refund, for what it counted in.

    Args:
        source: names the refund.
    """
    return GivenBack(
        account=account,
        order_source=source_of(order),
        source=source,
        basis_minor=earning.basis_minor,
        refunded_minor=earning.refunded_minor,
        lines=earning.lines,
    )


def settlement_of(
    refund: Refund, *, goods_minor: int, terms: Program, units: Mapping[int, int]
) -> Settlement:
    """Return what a completed refund moves."""
    return Settlement(
        source=f"refund:{refund.public_id}",
        points_back=refund.points_returned,
        goods_minor=goods_minor,
        shortage=shortage_of(refund.shortfall, policy=terms.claw_back),
        points_deducted=refund.points_deducted,
        occurred_at=refund.completed_at,
        grace=terms.return_grace,
        units=units,
        **_waiver(refund, terms),
    )


def _waiver(refund: Refund, terms: Program) -> dict[str, str]:
    if refund.shortfall == Shortfall.WAIVE:
        return {"waived_by": refund.actor, "waived_because": refund.reason}
    return {"waived_by": "program", "waived_because": terms.claw_back}


def not_settled(refunds, *, accounts: Collection[int] | None = None):
    """Return those refunds of a query that took nothing back yet.

    Completed ones are to be booked (R10); others are under way, or came to nothing.

    Args:
        accounts: where to look; the accounts of the orders' members when left out.
    """
    settled = PointsEntry.objects.filter(
        in_accounts(accounts, member="order__member_id"),
        kind=PointsEntry.Kind.CLAW_BACK,
        source=Concat(Value("refund:"), OuterRef("public_id")),
    )
    return refunds.filter(~Exists(settled))


def claw_for_refund(book: Book, *, due: Due, at: datetime) -> Movement:
    """Book what a refund of goods takes back of its order, line by line (P19).

    Points whose value was deducted from the money are settled, and stay.
    """
    earning, settlement = due.earning, due.settlement
    trace: dict[str, Any] = {
        "refunded_minor": settlement.goods_minor,
        "basis_minor": earning.basis_minor,
    }
    if earning.lines:
        trace["units"] = {str(at): units for at, units in settlement.units.items()}
    if due.deducted:
        trace["deducted"] = due.deducted
    movement = book.claw_back(
        due.points - due.deducted,
        own_lot=earning.lot,
        may_owe=settlement.shortage.may_owe,
        only_pending=settlement.shortage is Shortage.PENDING,
        at=at,
        source=settlement.source,
        occurred_at=settlement.occurred_at,
        trace=trace,
        reverses=earning.entry,
    )
    if movement.trace.get("waived"):
        movement.actor = settlement.waived_by
        movement.reason = settlement.waived_because
    return movement


def load_lots(
    book: Book, *, accounts: Collection[int], spent_for: str
) -> list[SpentTake]:
    """Put the lots that hold something, or paid for a source, into the book.

    A lot that went to another member with a merge, or came back from there, is not
    this book's to fill; what it gave opens a new one.

    Returns:
        What was taken for it from which lot.
    """
    rows = (
        LotTake.objects.filter(
            entry__account_id__in=accounts,
            entry__kind=PointsEntry.Kind.SPEND,
            entry__source=spent_for,
        )
        .select_related("lot")
        .order_by("id")
    )
    takes = list(rows)
    lots = {take.lot_id: lot_of(take.lot) for take in takes}
    for row in PointsLot.objects.filter(account_id=book.member_id, is_open=True):
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

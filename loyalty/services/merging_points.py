"""Points of two members who become one, and their parting (docs/adr/0023).

Entries stay where they were written. What an account holds goes over as it is: lots
keep their ends, holds their orders, debt is owed on. One pair of entries says so.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import (
    HoldTake,
    LotTake,
    PointsAccount,
    PointsEntry,
    PointsHold,
    PointsLot,
)
from loyalty.rules.ledger import Book, SpentTake
from loyalty.rules.lots import Lot
from loyalty.services.activating import date_waiting
from loyalty.services.freezing import give_time_back
from loyalty.services.posting import book_of, lot_of, open_accounts, post
from orders.models import Order

#: Whoever was merged with one of these has from now on met all of them.
_REMEMBER = """
UPDATE loyalty_pointsaccount
   SET merged_with = array_remove(%(all)s::bigint[], member_id)
 WHERE member_id = ANY(%(all)s)
"""


class PointsReserved(Refusal):
    """An open order reserves points that would go back."""

    code = "points_reserved"
    message = _(
        "An open order reserves points that would go back, or they are frozen. "
        "Wait until it is paid or cancelled, or unfreeze them."
    )


def locked_pair(
    *, member_ids: Sequence[int], now: datetime
) -> dict[int, PointsAccount]:
    """Return the accounts of members by id, locked in this order; open missing ones."""
    open_accounts(member_ids=member_ids, now=now)
    accounts = PointsAccount.objects.select_for_update(no_key=True, of=["self"])
    found = accounts.filter(pk__in=member_ids).select_related("tier").order_by("pk")
    return {account.pk: account for account in found}


def join_points(
    *, loser_id: int, winner_id: int, source: str, now: datetime
) -> dict[str, Any]:
    """Move all points of one member to another; return what undoing needs.

    Debt of either is paid at once from what became free (P18); a frozen account makes
    the other frozen, and fraud of one is fraud of both (P14). Publishes nothing.
    """
    pair = locked_pair(member_ids=sorted((loser_id, winner_id)), now=now)
    loser, winner = pair[loser_id], pair[winner_id]
    _settle_freezes(loser, winner, now=now)
    lots = list(PointsLot.objects.filter(account=loser).order_by("pk"))
    holds = sorted(loser.holds.values_list("pk", flat=True))
    giver = book_of(loser, lots=[lot_of(lot) for lot in lots if lot.remaining])
    taker = book_of(winner, lots=_lots_left(winner))
    brought = {
        "lots": [lot.pk for lot in lots],
        "holds": holds,
        "points": loser.balance,
        "debt": loser.debt,
        "earned": loser.lifetime_earned,
        **_freeze_both(loser, winner),
    }
    giver.hand_over(
        taker,
        list(giver.lots),
        debt=loser.debt,
        earned=loser.lifetime_earned,
        source=source,
        at=now,
    )
    taker.pay_debt(source=_debt(source), at=now)
    _write([giver, taker], lots=brought["lots"], holds=holds, to=winner)
    brought["seq"] = taker.seq
    _remember(loser, winner)
    return brought


def part_points(
    *,
    loser_id: int,
    winner_id: int,
    brought: dict[str, Any],
    orders: Sequence[int],
    source: str,
    now: datetime,
) -> None:
    """Give back what is left of the points a member brought.

    Lots that orders going back have earned meanwhile go with them. Debt goes back as
    far as it is still owed, with what the merge itself had paid of it.

    Args:
        brought: what ``join_points`` returned.
        orders: primary keys of the orders that go back.
        source: of the merge.

    Raises:
        PointsReserved: an order that stays reserves some of these points.
    """
    pair = locked_pair(member_ids=sorted((loser_id, winner_id)), now=now)
    loser, winner = pair[loser_id], pair[winner_id]
    is_still_that_freeze = _is_freeze_of(brought, loser, winner)
    _settle_freezes(loser, winner, now=now)
    refuse_reserved(winner_id=winner_id, brought=brought, orders=orders)
    earned = _earned_meanwhile(winner_id, brought, orders)
    lots = going_back(winner_id=winner_id, brought=brought, orders=orders)
    by_id = {lot.id: lot for lot in _lots_left(winner)}
    giver = book_of(winner, lots=[])
    giver.owe_again(_debt_takes(winner, source, by_id), source=f"un{source}", at=now)
    giver.lots = list(by_id.values())
    taker = book_of(loser, lots=_lots_left(loser))
    giver.hand_over(
        taker,
        [lot for lot in giver.lots if lot.id in lots],
        debt=min(brought["debt"], giver.debt),
        earned=brought["earned"] + sum(entry.points for entry in earned),
        source=f"un{source}",
        at=now,
    )
    for book in (giver, taker):
        book.pay_debt(source=f"un{_debt(source)}", at=now)
    _write([giver, taker], lots=lots, holds=brought["holds"], to=loser)
    # What came in while both were frozen waits only where that goes on (P14).
    if winner.is_frozen and not loser.is_frozen:
        date_waiting(account=loser, now=now)
    if is_still_that_freeze:
        was_frozen = brought.get("was_frozen", False)
        _undo_freeze(winner, was_frozen=was_frozen, now=now)


def _freeze_both(loser: PointsAccount, winner: PointsAccount) -> dict[str, Any]:
    """Freeze the winner as the loser is; return what undoing it needs.

    Both accounts are as ``_settle_freezes`` left them.
    """
    was_frozen = winner.is_frozen
    is_worse = loser.is_fraud and not winner.is_fraud
    if not loser.is_frozen or (was_frozen and not is_worse):
        return {"froze": None}
    since = winner.frozen_at if was_frozen else loser.frozen_at
    PointsAccount.objects.filter(pk=winner.pk).update(
        is_frozen=True, frozen_at=since, is_fraud=loser.is_fraud
    )
    return {"froze": since.isoformat(), "was_frozen": was_frozen}


def _is_freeze_of(
    brought: dict[str, Any], loser: PointsAccount, winner: PointsAccount
) -> bool:
    """Whether the winner is frozen by the merge, and not by what staff did since."""
    if not brought["froze"] or not winner.is_frozen:
        return False
    # A merge of before kept no moment: it was the loser's.
    is_told = isinstance(brought["froze"], str)
    since = datetime.fromisoformat(brought["froze"]) if is_told else loser.frozen_at
    return winner.frozen_at == since and winner.is_fraud == loser.is_fraud


def _undo_freeze(winner: PointsAccount, *, was_frozen: bool, now: datetime) -> None:
    """Make the winner what it was before the merge: open, or frozen for less."""
    if was_frozen:
        PointsAccount.objects.filter(pk=winner.pk).update(is_fraud=False)
        return
    PointsAccount.objects.filter(pk=winner.pk).update(
        is_frozen=False, frozen_at=None, is_fraud=False
    )
    date_waiting(account=winner, now=now)


def going_back(
    *, winner_id: int, brought: dict[str, Any], orders: Sequence[int]
) -> set[int]:
    """Return the lots that would go back: those brought, and of orders brought."""
    entries = _earned_meanwhile(winner_id, brought, orders)
    lots = PointsLot.objects.filter(account_id=winner_id)
    since = lots.filter(entry__in=entries).values_list("pk", flat=True)
    there = lots.filter(pk__in=brought["lots"]).values_list("pk", flat=True)
    return {*there, *since}


def points_left(*, winner_id: int, brought: dict[str, Any]) -> int:
    """Return how many of the points brought are still there."""
    lots = PointsLot.objects.filter(account_id=winner_id, pk__in=brought["lots"])
    return sum(lots.values_list("remaining", flat=True))


def refuse_reserved(
    *, winner_id: int, brought: dict[str, Any], orders: Sequence[int]
) -> None:
    """Refuse to part points while an order that stays reserves some of them.

    Raises:
        PointsReserved: as it says.
    """
    lots = going_back(winner_id=winner_id, brought=brought, orders=orders)
    reserved = HoldTake.objects.filter(
        hold__state=PointsHold.State.OPEN, lot__in=lots
    ).exclude(hold__in=brought["holds"])
    if reserved.exists():
        raise PointsReserved


def _settle_freezes(*accounts: PointsAccount, now: datetime) -> None:
    """Lots change hands with their ends as they are at this moment (P14, P28)."""
    for account in accounts:
        give_time_back(account=account, now=now)


def _debt(source: str) -> str:
    return f"{source}:debt"


def _lots_left(account: PointsAccount) -> list[Lot]:
    rows = PointsLot.objects.filter(account=account, is_open=True)
    return [lot_of(row) for row in rows]


def _earned_meanwhile(
    winner_id: int, brought: dict[str, Any], orders: Sequence[int]
) -> list[PointsEntry]:
    """Return what orders that go back earned in the winner's account since."""
    public_ids = Order.objects.filter(pk__in=orders).values_list("public_id", flat=True)
    return list(
        PointsEntry.objects.filter(
            account_id=winner_id,
            seq__gt=brought["seq"],
            kind=PointsEntry.Kind.EARN,
            source__in=[f"order:{public_id}" for public_id in public_ids],
        )
    )


def _debt_takes(
    winner: PointsAccount, source: str, lots: dict[int, Lot]
) -> list[SpentTake]:
    """Return what the merge's payment of debt took, its lots put among ``lots``."""
    rows = LotTake.objects.filter(
        entry__account=winner,
        entry__kind=PointsEntry.Kind.CLAW_BACK,
        entry__source=_debt(source),
    ).select_related("lot")
    return [
        SpentTake(
            id=row.pk,
            lot=lots.setdefault(row.lot_id, lot_of(row.lot)),
            points=row.points,
            returned=row.returned,
            restored=row.restored,
        )
        for row in rows.order_by("pk")
    ]


def _write(
    books: Sequence[Book],
    *,
    lots: Sequence[int],
    holds: Sequence[int],
    to: PointsAccount,
) -> None:
    post(books)
    PointsLot.objects.filter(pk__in=lots).update(account=to)
    PointsHold.objects.filter(pk__in=holds).update(account=to)


def _remember(loser: PointsAccount, winner: PointsAccount) -> None:
    with connection.cursor() as cursor:
        known = sorted({*loser.accounts, *winner.accounts})
        cursor.execute(_REMEMBER, {"all": known})

"""Stored value of two members who become one, and their parting (docs/adr/0023).

Entries stay where they were written; one pair says what went over. What is held
belongs to open orders and goes where they go.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from orders.models import Payment, Wallet
from orders.services.wallets import book_pair, lock_wallet


class WalletReserved(Refusal):
    """An open order holds stored value that would go back."""

    code = "wallet_reserved"
    message = _(
        "An open order holds stored value that would go back. "
        "Wait until it is paid or cancelled."
    )


def locked_wallets(*, member_ids: Sequence[int]) -> dict[int, Wallet]:
    """Return wallets by member id, locked in this order; open missing ones."""
    return {pk: lock_wallet(member_id=pk) for pk in sorted(member_ids)}


def join_wallets(*, loser_id: int, winner_id: int, source: str, now: datetime) -> int:
    """Move all stored value of one member to another; return how much it was.

    The loser's open orders go over in the same transaction, and what they hold.
    """
    loser = locked_wallets(member_ids=(loser_id, winner_id))[loser_id]
    amount, held = loser.balance_minor, loser.held_minor
    _move(loser_id, winner_id, amount=amount, held=held, source=source, now=now)
    return amount


def value_left(*, winner_id: int, brought: int, orders: Sequence[int]) -> int:
    """Return how much of what was brought can go back.

    Args:
        winner_id: who has it now.
        brought: what ``join_wallets`` returned.
        orders: primary keys of the orders that go back.

    Raises:
        WalletReserved: an order that stays holds a part of it.
    """
    wallet = Wallet.objects.filter(pk=winner_id).first() or Wallet()
    left = min(brought, wallet.balance_minor)
    staying = wallet.held_minor - _held_by(orders)
    if left > wallet.balance_minor - staying:
        raise WalletReserved
    return left


def part_wallets(
    *,
    loser_id: int,
    winner_id: int,
    brought: int,
    orders: Sequence[int],
    source: str,
    now: datetime,
) -> None:
    """Give back what is left of the stored value a member brought.

    Arguments and refusals as in ``value_left``.
    """
    locked_wallets(member_ids=(loser_id, winner_id))
    held = _held_by(orders)
    left = value_left(winner_id=winner_id, brought=brought, orders=orders)
    # What the returning orders hold must be there to hold.
    amount = max(left, held)
    undo = f"{source}:undo"
    _move(winner_id, loser_id, amount=amount, held=held, source=undo, now=now)


def _move(
    giver_id: int,
    taker_id: int,
    *,
    amount: int,
    held: int,
    source: str,
    now: datetime,
) -> None:
    Wallet.objects.filter(pk=giver_id).update(held_minor=F("held_minor") - held)
    book_pair(
        giver_id=giver_id,
        taker_id=taker_id,
        amount_minor=amount,
        source=source,
        now=now,
    )
    Wallet.objects.filter(pk=taker_id).update(held_minor=F("held_minor") + held)


def _held_by(orders: Sequence[int]) -> int:
    held = Payment.objects.filter(order_id__in=orders, state=Payment.State.HELD)
    return held.aggregate(total=Sum("amount_minor"))["total"] or 0

"""Stored value: the one writer of wallets and their entries.

Everything here runs in the caller's transaction or opens its own, with the wallet
locked; retries with the same source are harmless.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import Member
from orders.models import Order, Payment, Wallet, WalletEntry
from orders.services.moving import actor_name

_RELEASE = """
UPDATE orders_wallet AS w SET held_minor = w.held_minor - h.amount
FROM (SELECT o.member_id, sum(p.amount_minor) AS amount
        FROM orders_payment p JOIN orders_order o ON o.id = p.order_id
       WHERE p.order_id = ANY(%s) AND p.state = 'held' GROUP BY 1) AS h
WHERE w.member_id = h.member_id
"""


class NotEnoughInWallet(Refusal):
    """There is not that much in your wallet."""

    code = "not_enough_in_wallet"
    message = _("There is not that much in your wallet.")


class WalletNotUsable(Refusal):
    """This membership cannot use its wallet at the moment."""

    code = "wallet_not_usable"
    message = _("This membership cannot use its wallet at the moment.")


class NoReasonGiven(Refusal):
    """Say why."""

    code = "reason_missing"
    status = 422
    message = _("Say why.")


def lock_wallet(*, member_id: int) -> Wallet:
    """Lock and return a member's wallet; opened when there is none."""
    Wallet.objects.bulk_create([Wallet(member_id=member_id)], ignore_conflicts=True)
    return Wallet.objects.select_for_update(no_key=True).get(pk=member_id)


def lock_wallets_of_orders(order_ids: Collection[int]) -> None:
    """Lock the wallets that may have put something aside for some orders, by id.

    A wallet comes before stock and orders in the order of locks.
    """
    members = Order.objects.filter(pk__in=order_ids).values("member_id")
    wallets = Wallet.objects.filter(pk__in=members).order_by("pk")
    list(wallets.select_for_update(no_key=True).values_list("pk", flat=True))


@transaction.atomic
def book_entry(
    *,
    member_id: int,
    kind: str,
    amount_minor: int,
    source: str,
    now: datetime,
    reason: str = "",
    actor: str = "",
) -> WalletEntry:
    """Move value into or out of a wallet, once per ``kind`` and ``source``.

    Args:
        member_id: whose wallet.
        kind: ``WalletEntry.Kind``; gives the sign.
        amount_minor: signed, in minor units of the shop's currency, not 0.
        source: the cause; at most 80 characters.
        now: aware.
        reason: why, where a person decided.
        actor: login name or program.

    Raises:
        NotEnoughInWallet: less than this is free to go out.
    """
    wallet = lock_wallet(member_id=member_id)
    done = entry_of(kind=kind, source=source)
    if done is not None:
        return done
    if amount_minor < 0 and wallet.available_minor < -amount_minor:
        raise NotEnoughInWallet
    return _write(
        wallet,
        kind,
        amount_minor,
        source=source,
        now=now,
        reason=reason,
        actor=actor,
    )


def entry_of(*, kind: str, source: str) -> WalletEntry | None:
    """Return what was booked for this cause, in whichever wallet."""
    return WalletEntry.objects.filter(kind=kind, source=source).first()


def _write(
    wallet: Wallet,
    kind: str,
    amount_minor: int,
    *,
    source: str,
    now: datetime,
    reason: str = "",
    actor: str = "",
) -> WalletEntry:
    wallet.balance_minor += amount_minor
    wallet.seq += 1
    wallet.save(update_fields=["balance_minor", "seq"])
    return WalletEntry.objects.create(
        wallet=wallet,
        seq=wallet.seq,
        kind=kind,
        amount_minor=amount_minor,
        balance_after_minor=wallet.balance_minor,
        source=source,
        reason=reason[:200],
        actor=actor[:80],
        occurred_at=now,
    )


def book_pair(
    *, giver_id: int, taker_id: int, amount_minor: int, source: str, now: datetime
) -> None:
    """Move value between two locked wallets by a pair of entries; nothing for 0."""
    if not amount_minor:
        return
    for member_id, amount in ((giver_id, -amount_minor), (taker_id, amount_minor)):
        wallet = lock_wallet(member_id=member_id)
        _write(wallet, WalletEntry.Kind.TRANSFER, amount, source=source, now=now)


def kind_by_hand(amount_minor: int) -> WalletEntry.Kind:
    """Return what an amount is that staff pay in (positive) or out (negative).

    Raises:
        ValueError: it is neither.
    """
    if not amount_minor:
        raise ValueError("An amount must not be 0.")
    return WalletEntry.Kind.TOP_UP if amount_minor > 0 else WalletEntry.Kind.DEDUCT


@transaction.atomic
def top_up_wallet(
    *,
    member_id: int,
    amount_minor: int,
    reason: str,
    actor: Any,
    source: str,
    now: datetime,
) -> WalletEntry:
    """Pay into a wallet by hand, with a reason; again with ``source`` is harmless.

    Args:
        member_id: whose wallet.
        amount_minor: positive pays in, negative pays out.
        reason: why, for the history and the audit trail.
        actor: the login.
        source: such as ``staff:4f2a…``.
        now: aware.

    Raises:
        NoReasonGiven, NotEnoughInWallet: as they say.
    """
    kind = kind_by_hand(amount_minor)
    if not reason.strip():
        raise NoReasonGiven
    lock_wallet(member_id=member_id)
    done = entry_of(kind=kind, source=source)
    if done is not None:
        return done
    entry = book_entry(
        member_id=member_id,
        kind=kind,
        amount_minor=amount_minor,
        source=source,
        now=now,
        reason=reason.strip(),
        actor=actor_name(actor),
    )
    record_audit(
        actor=actor,
        action=f"wallet.{kind}",
        obj=entry,
        reason=reason,
        detail={"amount_minor": amount_minor},
        now=now,
    )
    return entry


def lock_spender(*, member_id: int | None) -> Wallet:
    """Lock the member, who must be allowed to spend, then the wallet.

    Raises:
        WalletNotUsable: nobody's order, or a membership that may not spend.
    """
    if member_id is None:
        raise WalletNotUsable
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    if not member.may_spend:
        raise WalletNotUsable
    return lock_wallet(member_id=member_id)


def hold_value(*, member_id: int, amount_minor: int) -> None:
    """Put value aside for an order: a conditional write.

    Raises:
        NotEnoughInWallet: less than this is free.
    """
    enough = Wallet.objects.filter(
        pk=member_id, balance_minor__gte=F("held_minor") + amount_minor
    )
    if not enough.update(held_minor=F("held_minor") + amount_minor):
        raise NotEnoughInWallet


def capture_held(*, payment: Payment, amount_minor: int, now: datetime) -> None:
    """Spend what a payment holds, or a part of it; the rest is free again.

    For a locked order; the payment itself is the caller's to change.
    """
    wallet = lock_wallet(member_id=payment.order.member_id)
    wallet.held_minor -= payment.amount_minor
    wallet.save(update_fields=["held_minor"])
    if amount_minor:
        _write(
            wallet,
            WalletEntry.Kind.PAYMENT,
            -amount_minor,
            source=f"payment:{payment.public_id}",
            now=now,
        )


def release_held(order_ids: Collection[int]) -> None:
    """Free what orders hold, all at once; their payments are the caller's to change."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [list(order_ids)])


@transaction.atomic
def return_to_wallet(
    *, payment_ref: str, key: str, amount_minor: int, now: datetime
) -> WalletEntry:
    """Give stored value back to whose order it paid; once per ``key`` (R18).

    Args:
        payment_ref: public id of the payment.
        key: names the refund.
        amount_minor: in minor units, > 0.
        now: aware.
    """
    payment = Payment.objects.select_related("order").get(public_id=payment_ref)
    return book_entry(
        member_id=payment.order.member_id,
        kind=WalletEntry.Kind.REFUND,
        amount_minor=amount_minor,
        source=f"refund:{key}",
        now=now,
    )

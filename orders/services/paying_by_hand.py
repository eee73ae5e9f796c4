"""Stored value that staff pay in or out: large sums wait for a second person."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Abs

from crm.shared.approvals import approval_of, ask_for_approval
from crm.shared.models import Approval
from members.models import Member, User
from orders.models import WalletEntry
from orders.services.wallets import (
    NoReasonGiven,
    NotEnoughInWallet,
    entry_of,
    kind_by_hand,
    lock_wallet,
    top_up_wallet,
)

#: Kind of approval; see ``crm.wiring.APPROVALS``.
KIND = "orders.wallet"
#: What one person pays into, or out of, one wallet in so long counts together.
WINDOW = timedelta(hours=24)
#: How sources of entries begin that two people agreed to.
APPROVED = "approval:"


@transaction.atomic
def pay_by_hand(
    *,
    member_id: int,
    amount_minor: int,
    reason: str,
    author: User,
    source: str,
    now: datetime,
) -> WalletEntry | Approval:
    """Pay into or out of a wallet, or ask somebody else to agree where it is too much.

    Too much is what makes the sum of 24 hours, by this login with this wallet in this
    direction, exceed ``settings.STAFF_WALLET_LIMIT_MINOR``: a sum in small parts is a
    large one. Counted under the lock of the wallet. Called again with ``source`` it
    returns what came of it first.

    Args:
        member_id: whose wallet.
        amount_minor: positive pays in, negative pays out.
        reason: why, for the history and the audit trail.
        author: the login.
        source: such as ``staff:4f2a…``.
        now: aware.

    Raises:
        NoReasonGiven, NotEnoughInWallet: as they say.
    """
    kind = kind_by_hand(amount_minor)
    if not reason.strip():
        raise NoReasonGiven
    wallet = lock_wallet(member_id=member_id)
    done = entry_of(kind=kind, source=source) or approval_of(kind=KIND, source=source)
    if done is not None:
        return done
    if -amount_minor > wallet.available_minor:
        raise NotEnoughInWallet
    if not needs_approval(
        member_id=member_id, amount_minor=amount_minor, author=author, now=now
    ):
        return top_up_wallet(
            member_id=member_id,
            amount_minor=amount_minor,
            reason=reason,
            actor=author,
            source=source,
            now=now,
        )
    return ask_for_approval(
        kind=KIND,
        params={"member": member_id, "amount_minor": amount_minor},
        subject=Member.objects.values_list("number", flat=True).get(pk=member_id),
        reason=reason,
        author=author,
        source=source,
        now=now,
    )


def needs_approval(
    *, member_id: int, amount_minor: int, author: User, now: datetime
) -> bool:
    """Whether amount and what was paid alone lately exceed the limit together.

    Args:
        as ``pay_by_hand`` takes them. Without the wallet's lock it is a preview.
    """
    alone = WalletEntry.objects.filter(
        wallet_id=member_id,
        kind=kind_by_hand(amount_minor),
        actor=author.get_username()[:80],
        occurred_at__gt=now - WINDOW,
    ).exclude(source__startswith=APPROVED)
    lately = alone.aggregate(sum=Sum(Abs("amount_minor")))["sum"] or 0
    return lately + abs(amount_minor) > settings.STAFF_WALLET_LIMIT_MINOR

"""Show personal data in clear: for a reason, within a daily budget, on the record."""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import Address, Member, RevealBudget, User
from members.services.addressing import AddressGone
from members.services.freezing import ReasonMissing

_SPEND = """
INSERT INTO members_revealbudget AS spent (user_id, day, kind, used)
SELECT %(user)s, %(day)s, %(kind)s, %(amount)s WHERE %(amount)s <= %(most)s
ON CONFLICT (user_id, day, kind) DO UPDATE SET used = spent.used + excluded.used
 WHERE spent.used + excluded.used <= %(most)s
"""
_SHORTEST_REASON = 3


class RevealBudgetSpent(Refusal):
    """Your budget of personal data for today is used up."""

    code = "reveal_budget_spent"
    status = 429
    message = _(
        "Your budget of personal data for today (%(most)s) is used up. "
        "Ask whoever answers for privacy."
    )


@transaction.atomic
def reveal(
    *, member_id: int, field: str, actor: User, reason: str, now: datetime
) -> str:
    """Return one personal value in clear; budget and audit entry are written first.

    Args:
        member_id: whose.
        field: an encrypted column of ``Member``; the caller checked it may be shown.
        actor: who looks; the caller checked the permission.
        reason: why, three characters or more.
        now: when, aware.

    Raises:
        ReasonMissing: no reason.
        RevealBudgetSpent: ``settings.REVEALS_PER_DAY`` are used.
    """
    member = Member.objects.get(pk=member_id)
    account_for(member, actor=actor, reason=reason, detail={"field": field}, now=now)
    return getattr(member, field) or ""


@transaction.atomic
def reveal_address(
    *, member_id: int, address_id: str, actor: User, reason: str, now: datetime
) -> Address:
    """Return one address in clear; otherwise as ``reveal``, and one of its budget.

    Args:
        member_id: whose.
        address_id: public id of the address.
        actor: who looks; the caller checked the permission.
        reason: why, three characters or more.
        now: when, aware.

    Raises:
        ReasonMissing: no reason.
        AddressGone: this member has no such address.
        RevealBudgetSpent: ``settings.REVEALS_PER_DAY`` are used.
    """
    address = (
        Address.objects.select_related("member")
        .filter(member_id=member_id, public_id=address_id)
        .first()
    )
    if address is None:
        raise AddressGone
    detail = {"field": "address", "address": address_id}
    account_for(address.member, actor=actor, reason=reason, detail=detail, now=now)
    return address


def account_for(
    obj: Model,
    *,
    actor: User,
    reason: str,
    detail: dict,
    now: datetime,
    action: str = "members.reveal",
) -> None:
    """Take a value from the budget and write down who looks at what, and why.

    In the transaction of whoever hands the value out.

    Args:
        obj: what it stands on: a member, or something of theirs.
        detail: names of what is shown, never the values.
        action: code of the audit entry.

    Raises:
        ReasonMissing, RevealBudgetSpent: as in ``reveal``.
    """
    if len(reason.strip()) < _SHORTEST_REASON:
        raise ReasonMissing
    spend(user_id=actor.pk, kind=RevealBudget.Kind.REVEAL, now=now)
    record_audit(
        actor=actor,
        action=action,
        obj=obj,
        reason=reason.strip(),
        detail=detail,
        now=now,
    )


@transaction.atomic
def reveal_form(*, member_id: int, actor: User, now: datetime) -> None:
    """Record that the form for corrections showed a member in clear.

    Counts as one of the day's budget.

    Raises:
        RevealBudgetSpent: as in ``reveal``.
    """
    spend(user_id=actor.pk, kind=RevealBudget.Kind.REVEAL, now=now)
    record_audit(
        actor=actor,
        action="members.reveal",
        obj=Member.objects.get(pk=member_id),
        detail={"field": "form"},
        now=now,
    )


def spend(*, user_id: int, kind: str, amount: int = 1, now: datetime) -> None:
    """Take ``amount`` from the budget of today, in one statement, or refuse all of it.

    Args:
        user_id: the login.
        kind: a ``RevealBudget.Kind``: values by ``settings.REVEALS_PER_DAY``, rows of
            exports by ``settings.CLEAR_ROWS_PER_DAY``.
        amount: how many.
        now: when, aware; the day is the shop's.

    Raises:
        RevealBudgetSpent: that would exceed the budget; nothing was taken.
    """
    most = (
        settings.REVEALS_PER_DAY
        if kind == RevealBudget.Kind.REVEAL
        else settings.CLEAR_ROWS_PER_DAY
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _SPEND,
            {
                "user": user_id,
                "day": localdate(now),
                "kind": str(kind),
                "amount": amount,
                "most": most,
            },
        )
        if not cursor.rowcount:
            raise RevealBudgetSpent(most=most)

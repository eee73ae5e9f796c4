"""Stop points from being spent, and let them go again: all of an account, or some."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from loyalty.models import PointsAccount, PointsFreeze, PointsLot
from loyalty.rules.expiry import after_standstill
from loyalty.services.activating import date_waiting
from loyalty.services.adjusting import name_of
from loyalty.services.holding import release_hold, reserve
from loyalty.services.one_by_one import each_alone
from loyalty.services.posting import book_of, locked_account, lots_left, post

#: How sources of holds begin that are freezes.
SOURCE = "freeze:"


class FreezeIsOver(Refusal):
    """These points are not frozen any more."""

    code = "freeze_over"
    message = _("These points are not frozen any more.")


class FreezeEndsAtOnce(Refusal):
    """A freeze must end in the future."""

    code = "freeze_in_the_past"
    status = 422
    message = _("A freeze must end in the future.")


# --- The account (P14) ----------------------------------------------------------------


@transaction.atomic
def freeze_account(
    *,
    member_id: int,
    reason: str,
    actor: Any,
    now: datetime,
    is_fraud: bool = False,
    reason_code: str = "",
) -> bool:
    """Freeze a member's points: still earned, none spent; whether it was news.

    What is earned meanwhile is pending until it is opened again (P14). Points already
    reserved for an order are spent when it is paid.

    Args:
        is_fraud: the time that is lost will not be given back, all of it also where
            the account is frozen for less already.
        reason_code: a ``ReasonCode`` where a person does it by hand (P27).
    """
    account = locked_account(member_id=member_id, now=now)
    if account.is_frozen and (account.is_fraud or not is_fraud):
        return False
    since = account.frozen_at if account.is_frozen else now
    _set(account, is_frozen=True, frozen_at=since, is_fraud=is_fraud)
    told = {"fraud": is_fraud, "reason_code": reason_code}
    _record(account, "points.freeze", reason, actor, now, **told)
    return True


@transaction.atomic
def unfreeze_account(
    *, member_id: int, reason: str, actor: Any, now: datetime, reason_code: str = ""
) -> bool:
    """Let a member spend points again; whether it was news.

    Ends move by the time that was lost, and what came in meanwhile begins its term
    now, unless the freeze was for fraud (P14).
    """
    account = locked_account(member_id=member_id, now=now)
    if not account.is_frozen:
        return False
    give_time_back(account=account, now=now)
    date_waiting(account=account, now=now)
    _set(account, is_frozen=False, frozen_at=None, is_fraud=False)
    # What ended while it stood still is there again: debt comes first (P18).
    book = book_of(account, lots=lots_left(member_id=account.pk))
    if book.pay_debt(source=f"debt:unfreeze:{account.seq}", at=now):
        post([book])
    _record(account, "points.unfreeze", reason, actor, now, reason_code=reason_code)
    return True


def _set(account: PointsAccount, **fields: Any) -> None:
    PointsAccount.objects.filter(pk=account.pk).update(**fields)


def give_time_back(*, account: PointsAccount, now: datetime) -> None:
    """Move the ends of a locked account's lots by the time they lost so far (P14).

    It stays frozen, as from ``now``. Lots of a merge come and go at such a moment.
    """
    since = account.term_stopped_at
    if since is None:
        return
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    lots = list(
        PointsLot.objects.filter(
            account=account, is_open=True, expires_at__gt=since, active_at__lt=now
        )
    )
    for lot in lots:
        lot.expires_at = after_standstill(
            lot.expires_at, active_at=lot.active_at, since=since, until=now, zone=zone
        )
    PointsLot.objects.bulk_update(lots, ["expires_at"])
    account.frozen_at = max(since, now)
    _set(account, frozen_at=account.frozen_at)


# --- So many points (P15) -------------------------------------------------------------


@transaction.atomic
def freeze_points(
    *,
    member_id: int,
    points: int | None,
    reason: str,
    actor: Any,
    source: str,
    now: datetime,
    until: datetime | None = None,
    reason_code: str = "",
) -> PointsFreeze:
    """Set points aside, of the lots that would be spent first (P15).

    They keep lots and ends. Calling again with the same ``source`` returns the first
    freeze.

    Args:
        points: whole points, > 0; None is all that are available.
        source: names the request; at most 70 characters.
        until: when they are free again by themselves, exclusive; None: when somebody
            says so.
        reason_code: as ``freeze_account`` takes it.

    Raises:
        NotEnoughPoints: fewer are available; nothing is frozen.
        FreezeEndsAtOnce: ``until`` is over.
    """
    account = locked_account(member_id=member_id, now=now)
    there = PointsFreeze.objects.filter(hold__source=f"{SOURCE}{source}").first()
    if there is not None:
        return there
    if until is not None and until <= now:
        raise FreezeEndsAtOnce
    hold = reserve(account, points=points, source=f"{SOURCE}{source}", now=now)
    freeze = PointsFreeze.objects.create(
        hold=hold,
        reason_code=reason_code,
        reason=reason[:200],
        actor=name_of(actor),
        until=until,
    )
    told = {**_told(freeze), "reason_code": reason_code}
    _record(account, "points.freeze_some", reason, actor, now, **told)
    return freeze


@transaction.atomic
def unfreeze_points(
    *, freeze_id: int, reason: str, actor: Any, now: datetime, reason_code: str = ""
) -> PointsFreeze:
    """Give frozen points back to the lots they never left; debt is paid first (P18).

    A lot that ended meanwhile expires now, as it would have.

    Raises:
        FreezeIsOver: they are free already.
    """
    freeze = PointsFreeze.objects.select_related("hold").get(pk=freeze_id)
    if not release_hold(source=freeze.hold.source, now=now):
        raise FreezeIsOver
    freeze.hold.refresh_from_db()
    freeze.ended_by, freeze.end_reason = name_of(actor), reason[:200]
    freeze.end_reason_code = reason_code
    freeze.save(update_fields=["ended_by", "end_reason", "end_reason_code"])
    account = PointsAccount.objects.get(pk=freeze.hold.account_id)
    told = {**_told(freeze), "reason_code": reason_code}
    _record(account, "points.unfreeze_some", reason, actor, now, **told)
    return freeze


def end_freezes(*, now: datetime, limit: int = 500) -> int:
    """Unfreeze what was frozen until now, each in its own transaction; return how many.

    One that fails is logged, and stops no other (P29).

    Args:
        limit: most of them; call again until 0.
    """

    def unfreeze(freeze_id: int) -> int:
        try:
            unfreeze_points(
                freeze_id=freeze_id, reason="until", actor="system", now=now
            )
        except FreezeIsOver:
            return 0  # Somebody was quicker.
        return 1

    due = PointsFreeze.objects.filter(until__lte=now, ended_by="").order_by("until")
    ids = list(due.values_list("pk", flat=True)[:limit])
    return each_alone(unfreeze, ids=ids, what="the end of a freeze")


def _told(freeze: PointsFreeze) -> dict[str, Any]:
    until = freeze.until.isoformat() if freeze.until else None
    return {
        "freeze": freeze.public_id,
        "points": freeze.hold.points,
        "until": until,
    }


def _record(
    account: PointsAccount,
    action: str,
    reason: str,
    actor: Any,
    now: datetime,
    **detail: Any,
) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type=PointsAccount._meta.label,
        object_id=str(account.pk),
        reason=reason,
        detail=detail,
        now=now,
    )

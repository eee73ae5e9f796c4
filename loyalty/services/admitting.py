"""Letting in whoever shows a ticket for a seat: once, and coming earns points."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from loyalty.events import SeatTaken
from loyalty.models import EarningRule, RewardRedemption
from loyalty.queries.rewards import door_of
from loyalty.rules.tickets import ticket_as_typed
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.locking_redemptions import locked_redemption

_State = RewardRedemption.State
#: Characters of a reason that says something.
LEAST_REASON = 3


class TicketUnknown(Refusal):
    """There is no such pass."""

    code = "ticket_not_found"
    status = 404
    message = _("There is no such pass.")


class TicketUsed(Refusal):
    """This ticket let somebody in already."""

    code = "ticket_used"
    message = _("This pass for %(name)s was used already: %(at)s.")


class TicketGivenBack(Refusal):
    """This ticket was given back."""

    code = "ticket_given_back"
    message = _("This pass for %(name)s was given back: %(at)s.")


class TicketTooEarly(Refusal):
    """This pass is for another day."""

    code = "ticket_too_early"
    message = _("This pass is for another day: %(name)s, %(at)s.")


class TicketTooLate(Refusal):
    """This pass is for an occasion that is over."""

    code = "ticket_too_late"
    message = _("This pass is for an occasion that is over: %(name)s, %(at)s.")


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who was let in to what, and the points it brought."""

    redemption: RewardRedemption
    points: int


@transaction.atomic
def admit(*, ticket: str, actor: Any, reason: str = "", now: datetime) -> Admitted:
    """Let in whoever shows a ticket, while the door is open, and only once.

    Coming earns what the rules say, once for a seat (P4), and as the membership is at
    the door: who may not earn is let in all the same.

    Args:
        ticket: as somebody typed or scanned it.
        actor: the login at the door.
        reason: why somebody comes in while the door is not open; audited.

    Raises:
        TicketUnknown: there is none.
        TicketUsed, TicketGivenBack: no longer good; say since when.
        TicketTooEarly, TicketTooLate: the door is not open, and no reason was given.
    """
    typed = ticket_as_typed(ticket)
    found = RewardRedemption.objects.filter(kind="seat", result=typed)
    public_id = found.values_list("public_id", flat=True).first()
    if public_id is None:
        raise TicketUnknown
    row = locked_redemption(public_id, now=now)
    not_open = _not_open(row, now)
    if not_open is not None and len(reason.strip()) < LEAST_REASON:
        raise not_open
    mine = RewardRedemption.objects.filter(pk=row.pk, state=_State.FULFILLED)
    if not mine.update(state=_State.ADMITTED, admitted_at=now):
        raise _spent(row)
    row.state, row.admitted_at = _State.ADMITTED, now
    entry = grant_for_event(
        occasion=EarningRule.Occasion.ATTENDANCE,
        happening=Happening(row.member_id, f"seat:{row.public_id}"),
        now=now,
    )
    record(SeatTaken(member_id=row.member_id, redemption_id=row.pk))
    record_audit(
        actor=actor,
        action="rewards.admit",
        obj=row,
        reason=reason.strip() if not_open else "",
        detail={"not_open": not_open.code} if not_open else None,
        now=now,
    )
    return Admitted(row, entry.points if entry else 0)


def moment_words(at: datetime) -> str:
    """Return a moment in the shop's zone, which is named, in the active language."""
    zone = settings.SHOP_TIME_ZONE
    return f"{date_format(at.astimezone(ZoneInfo(zone)), 'DATETIME_FORMAT')} ({zone})"


def _not_open(row: RewardRedemption, now: datetime) -> Refusal | None:
    """Return why the door is not open for a ticket that is still good."""
    if row.state != _State.FULFILLED:
        return None
    door = door_of(row)
    told = {"name": row.label, "at": moment_words(door.begins_at)}
    if now < door.opens_at:
        return TicketTooEarly(**told)
    return None if now < door.closes_at else TicketTooLate(**told)


def _spent(row: RewardRedemption) -> Refusal:
    if row.admitted_at is not None:
        return TicketUsed(name=row.label, at=moment_words(row.admitted_at))
    assert row.ended_at is not None, row.public_id
    return TicketGivenBack(name=row.label, at=moment_words(row.ended_at))

"""What the pages about duplicates and merges show."""

from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from crm.console.queries.member_page import REVEALABLE
from crm.console.queries.members import shown_name
from members.models import Member
from members.rules.merging import FIELDS

#: Code of ``members.rules.duplicates`` -> what staff read.
REASONS = {
    "same_last_eight_digits": _("same last eight digits of the phone"),
    "same_phone_tail": _("same last four digits of the phone"),
    "same_name": _("same name"),
    "same_name_in_pinyin": _("same name in pinyin"),
    "same_birthday": _("same birthday"),
    "same_mailbox_name": _("same name before the @"),
    "same_gender": _("same gender"),
    "same_region": _("same region"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One field of two members, as this login may see it; which one is proposed."""

    field: str
    label: str
    winner: str
    loser: str
    is_losers: bool


def choices(*, winner: Member, loser: Member, user: Any) -> list[Choice]:
    """Return the fields in which two members differ; the fuller value is proposed."""
    return [
        Choice(
            field=field,
            label=capfirst(Member._meta.get_field(field).verbose_name),
            winner=_shown(winner, field, user),
            loser=_shown(loser, field, user),
            is_losers=not getattr(winner, field),
        )
        for field in FIELDS
        if getattr(loser, field) and getattr(loser, field) != getattr(winner, field)
    ]


def _shown(member: Member, field: str, user: Any) -> str:
    if field == "name":
        return shown_name(member, user)
    if field in REVEALABLE:
        return REVEALABLE[field](getattr(member, field))
    display = getattr(member, f"get_{field}_display", None)
    return display() if display else getattr(member, field)

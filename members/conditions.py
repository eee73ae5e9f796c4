"""What can be asked about members, by every app (``crm.wiring.MEMBER_FIELDS``).

Segments, promotions, earning rules and benefits put their questions in the words of one
vocabulary. It is asked of everybody by one filter, or of some members in memory.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.condition_sql import (
    Codes,
    Column,
    Columns,
    DaysSince,
    Listed,
    Scalar,
    facts_of,
    where,
)
from crm.shared.conditions import (
    Condition,
    Facts,
    Field,
    Vocabulary,
    fields_of,
    read_condition,
)
from members.models import Interest, Member, MemberTag, Tag


def member_columns(now: datetime) -> Columns:
    """Return every field of members with its column, by name."""
    return {
        field.name: (field, column)
        for path in wiring.MEMBER_FIELDS
        for field, column in import_string(path)(now)
    }


def member_vocabulary(now: datetime) -> Vocabulary:
    """Return every field of members, by name."""
    return {name: field for name, (field, _column) in member_columns(now).items()}


def read_member_condition(tree: Any, now: datetime) -> Condition:
    """Return the condition of a tree over members.

    Raises:
        ConditionError: naming the place.
    """
    return read_condition(tree, member_vocabulary(now))


def members_where(condition: Condition, now: datetime) -> QuerySet[Member]:
    """Return the members for whom a condition holds at ``now``."""
    return Member.objects.filter(where(condition, member_columns(now)))


def member_facts(
    member_ids: Iterable[int], condition: Condition, now: datetime
) -> dict[int, Facts]:
    """Return what a condition asks about members, by member, in one statement."""
    members = Member.objects.filter(pk__in=member_ids)
    return facts_of(members, fields_of(condition), member_columns(now))


def own_fields(now: datetime) -> list[tuple[Field, Column]]:
    """Return what this app knows of members; nothing that is encrypted."""
    standing = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return [
        (_choice("member.state", _("state"), Member.State), Scalar("state")),
        (_choice("member.gender", _("gender"), Member.Gender), Scalar("gender")),
        (
            Field("member.birth_month", "number", _("birth month")),
            Scalar("birth_month"),
        ),
        (Field("member.region", "text", _("region")), Scalar("region")),
        (Field("member.city", "text", _("city")), Scalar("city")),
        (
            _choice("member.occupation", _("occupation"), Member.Occupation),
            Scalar("occupation"),
        ),
        (
            _choice("member.education", _("education"), Member.Education),
            Scalar("education"),
        ),
        (Field("member.source", "text", _("source")), Scalar("source")),
        (
            Field("member.interests", "set", _("interests"), _interests),
            Listed("interests"),
        ),
        (
            Field("member.tags", "set", _("tags"), _tags),
            Codes(MemberTag, "member", "tag__name", standing),
        ),
        (
            Field("member.days", "number", _("days since joining")),
            DaysSince("joined_at", now),
        ),
        (
            Field("member.days_silent", "number", _("days since last seen")),
            DaysSince("last_active_at", now),
        ),
    ]


def _choice(name: str, label: Any, choices: Any) -> Field:
    return Field(name, "choice", label, lambda: list(choices.choices))


def _interests() -> list[tuple[str, Any]]:
    return [(each.code, each.label) for each in Interest.objects.all()]


def _tags() -> list[tuple[str, Any]]:
    return [(name, name) for name in Tag.objects.values_list("name", flat=True)]

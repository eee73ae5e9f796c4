"""The profile on the page of one member: what is known, how much is missing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.console.queries.members import may_see_names
from crm.console.rules.masking import mask_name
from crm.shared.bilingual import in_request_language
from members.models import (
    AttributeChoice,
    AttributeDefinition,
    AttributeValue,
    Member,
)
from members.queries import (
    agreed,
    attribute_definitions,
    filled_fields,
    profile_completeness,
)
from members.rules.attributes import SERVICE, may_use
from members.rules.completeness import missing

_Kind = AttributeDefinition.Kind
#: Stands for a personal value; the form behind "Edit" shows it to those who may.
HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the card; ``origin`` tells where it came from, and when."""

    label: str
    value: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Tagged:
    """One tag that holds now."""

    name: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ProfileCard:
    """All lines, and how complete the profile is."""

    lines: list[Line]
    attributes: list[Line]
    percent: int
    #: What is still to be told, in words.
    missing: str


def profile_card(*, member: Member, user: Any) -> ProfileCard:
    """Return the card as this login may see it, in one query.

    Args:
        member: from ``crm.console.queries.member_page.get_member``.
        user: the login that looks.
    """
    left = missing(filled_fields(member))
    names = [str(Member._meta.get_field(field).verbose_name) for field in left]
    return ProfileCard(
        lines=_lines(member, user),
        attributes=_attributes(member),
        percent=profile_completeness(member),
        missing=", ".join(names),
    )


def _lines(member: Member, user: Any) -> list[Line]:
    clear = may_see_names(user)
    bio = member.bio or ""
    values = {
        "nickname": member.nickname if clear else mask_name(member.nickname),
        "gender": member.get_gender_display(),
        "region": member.region,
        "city": member.city,
        "occupation": member.get_occupation_display(),
        "education": member.get_education_display(),
        "interests": " · ".join(
            in_request_language(**word) for word in member.interest_words
        ),
        "bio": bio if clear else HIDDEN * bool(bio),
        "source": member.source,
    }
    return [
        Line(capfirst(str(Member._meta.get_field(name).verbose_name)), str(value or ""))
        for name, value in values.items()
    ]


def _attributes(member: Member) -> list[Line]:
    options = AttributeChoice.objects.filter(definition=OuterRef("definition"))
    rows = (
        AttributeValue.objects.filter(member=member, definition__is_active=True)
        .select_related("definition")
        .with_use(SERVICE)
        .annotate(
            words=ArraySubquery(
                options.values(
                    word=JSONObject(code="code", name="name", name_en="name_en")
                )
            )
        )
        .order_by("definition__code")
    )
    return [
        Line(
            row.definition.label,
            _shown(row),
            f"{row.source} · {date_format(row.collected_at, 'DATE_FORMAT')}",
        )
        for row in rows
    ]


def _shown(row: AttributeValue) -> str:
    if not row.is_usable:
        return _("not used: consent is missing")
    return HIDDEN if row.definition.is_personal else shown_value(row)


def writable_attributes(
    *, member_id: int, allowed: str
) -> list[tuple[AttributeDefinition, AttributeValue | None]]:
    """Return the attributes staff may write of this member, with what is kept.

    What lacks consent is left out, so that nobody reads it or overwrites it unseen.

    Args:
        member_id: the member.
        allowed: as ``members.queries.attribute_definitions`` takes it.
    """
    values = AttributeValue.objects.filter(member_id=member_id).with_use(SERVICE)
    kept = {value.definition_id: value for value in values}
    purposes = agreed(member_id=member_id)
    return [
        (each, kept.get(each.pk))
        for each in attribute_definitions(allowed)
        if may_use(each.purpose, SERVICE, purposes)
        and (each.pk not in kept or kept[each.pk].is_usable)
    ]


def shown_value(row: AttributeValue) -> str:
    """Return a value with its ``words`` as people read it, in the page's language."""
    kind, value = row.definition.kind, row.value
    if kind == _Kind.BOOLEAN:
        return _("yes") if value else _("no")
    if kind == _Kind.DATE:
        return date_format(parse_date(value), "DATE_FORMAT")
    if kind in {_Kind.CHOICE, _Kind.CHOICES}:
        words = {
            word["code"]: in_request_language(word["name"], word["name_en"])
            for word in row.words
        }
        codes = value if isinstance(value, list) else [value]
        return " · ".join(words.get(code, code) for code in codes)
    return value


def tags_now(member: Member, at: datetime) -> list[Tagged]:
    """Return the tags that hold now."""
    standing = member.tagged.standing(at).order_by("tag__name")
    return [Tagged(*row) for row in standing.values_list("tag__name", "expires_at")]

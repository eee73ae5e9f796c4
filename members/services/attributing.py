"""Keep what members, staff and other systems say under custom attributes."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import AttributeDefinition, AttributeValue, Member, User
from members.queries import attribute_definitions
from members.rules.attributes import read_value


class Author(StrEnum):
    """Who says it; the value is the field of the definition that allows it."""

    MEMBER = "by_member"
    STAFF = "by_staff"
    API = "by_api"


class AttributeUnknown(Refusal):
    """There is no such attribute for you."""

    code = "attribute_unknown"
    status = 422
    message = _("There is no attribute %(attribute)s that can be written here.")


class BadAttribute(Refusal):
    """This is no value of the attribute."""

    code = "invalid_attribute"
    status = 422
    message = _("The value of %(attribute)s does not fit.")


@transaction.atomic
def set_attributes(
    *,
    member_id: int,
    values: Mapping[str, Any],
    author: Author,
    source: str,
    actor: User | None = None,
    reason: str = "",
    now: datetime,
) -> int:
    """Write values of a member's attributes, all or none; return how many changed.

    What repeats the kept value changes nothing, so source and date stay those of who
    said it first.

    Args:
        values: code -> JSON value; None forgets it.
        author: decides which attributes may be written.
        source: form, file or system it came from.
        actor: who of the staff did it: then the audit trail names the attributes.
        reason: why, for the audit trail.

    Raises:
        AttributeUnknown: there is no such attribute in use, or not for this author.
        BadAttribute: a value is not of the attribute's type.
    """
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    definitions = {each.code: each for each in attribute_definitions(author)}
    unknown = sorted(set(values) - set(definitions))
    if unknown:
        raise AttributeUnknown(attribute=unknown[0])
    kept = {
        value.definition_id: value
        for value in AttributeValue.objects.filter(member_id=member_id)
    }
    changed = [
        code
        for code, given in values.items()
        if _set(
            definitions[code],
            given,
            kept.get(definitions[code].pk),
            member_id=member_id,
            source=source,
            now=now,
        )
    ]
    if changed and actor is not None:
        record_audit(
            actor=actor,
            action="members.attributes",
            object_type=Member._meta.label,
            object_id=Member.objects.values_list("public_id", flat=True).get(
                pk=member_id
            ),
            reason=reason,
            detail=dict.fromkeys(changed, "changed"),
            now=now,
        )
    return len(changed)


def _set(
    definition: AttributeDefinition,
    given: Any,
    kept: AttributeValue | None,
    *,
    member_id: int,
    source: str,
    now: datetime,
) -> bool:
    """Write one value; return whether anything changed."""
    if given is None:
        if kept is not None:
            kept.delete()
        return kept is not None
    try:
        value = read_value(
            definition.kind, given, [option.code for option in definition.options.all()]
        )
    except ValueError as error:
        raise BadAttribute(attribute=definition.code) from error
    if kept is not None and kept.value == value:
        return False
    row = kept or AttributeValue(member_id=member_id, definition=definition)
    if definition.is_personal:
        row.sealed = json.dumps(value, ensure_ascii=False)
    else:
        row.plain = value
    row.source, row.purpose, row.collected_at = source, definition.purpose, now
    row.save()
    return True

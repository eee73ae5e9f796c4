"""Write down what members allow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from members.models import Consent, Member
from members.queries import current_consents


@dataclass(frozen=True, slots=True)
class Statement:
    """One word of a member: yes or no to one purpose by one channel."""

    purpose: str
    channel: str
    granted: bool


@transaction.atomic
def record_consents(
    *,
    member_id: int,
    statements: Iterable[Statement],
    text_version: str,
    source: str,
    now: datetime,
) -> list[Consent]:
    """Add statements to the ledger and return the rows written.

    What repeats the standing word under the same text version is not written again,
    so a caller may send the whole list each time and retry.

    Args:
        member_id: the member.
        statements: the words; of two about one purpose and channel the last counts.
        text_version: version of the text the member saw.
        source: form, file or person it came from.
        now: when it was said, aware.
    """
    # The member's row is the lock: two answers at once keep an order.
    Member.objects.select_for_update().get(pk=member_id)
    standing = {
        (row.purpose, row.channel): (row.granted, row.text_version)
        for row in current_consents(member_id=member_id)
    }
    wanted = {(word.purpose, word.channel): word.granted for word in statements}
    return Consent.objects.bulk_create(
        Consent(
            member_id=member_id,
            purpose=purpose,
            channel=channel,
            granted=granted,
            text_version=text_version,
            source=source,
            occurred_at=now,
        )
        for (purpose, channel), granted in wanted.items()
        if standing.get((purpose, channel)) != (granted, text_version)
    )

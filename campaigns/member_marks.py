"""Segments as marks of members (``crm.wiring.MEMBER_MARKS``)."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from campaigns.models import SegmentMember


def segments(member_ids: Collection[int], at: datetime) -> dict[int, set[str]]:
    """Return ``{"segment:<code>"}`` of members, as of the last look at each."""
    rows = SegmentMember.objects.filter(
        member_id__in=member_ids, segment__is_active=True
    )
    marks: dict[int, set[str]] = defaultdict(set)
    for member_id, code in rows.values_list("member_id", "segment__code"):
        marks[member_id].add(f"segment:{code}")
    return marks

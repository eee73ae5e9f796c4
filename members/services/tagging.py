"""Put words on members and take them off."""

from datetime import datetime

from django.db import transaction

from members.models import Member, MemberTag, Tag, User


@transaction.atomic
def tag_member(
    *,
    member_id: int,
    name: str,
    author: User | None,
    now: datetime,
    expires_at: datetime | None = None,
) -> MemberTag:
    """Put a tag on a member; the word is made when it is new.

    A member who has it keeps author and date; only the end is set anew.
    """
    tag, _created = Tag.objects.get_or_create(name=" ".join(name.split()))
    tagged, created = MemberTag.objects.get_or_create(
        member=Member.objects.get(pk=member_id),
        tag=tag,
        defaults={"author": author, "created_at": now, "expires_at": expires_at},
    )
    if not created and tagged.expires_at != expires_at:
        tagged.expires_at = expires_at
        tagged.save(update_fields=["expires_at"])
    return tagged


def untag_member(*, member_id: int, name: str) -> bool:
    """Take a tag off a member; return whether it was there."""
    gone, _rows = MemberTag.objects.filter(member_id=member_id, tag__name=name).delete()
    return gone > 0


def drop_expired_tags(*, now: datetime) -> int:
    """Take off every tag whose end has come; return how many."""
    gone, _rows = MemberTag.objects.filter(expires_at__lte=now).delete()
    return gone

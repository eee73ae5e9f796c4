"""Put words on members and take them off."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import Member, MemberTag, Tag, User


class TagEnded(Refusal):
    """A tag must end in the future."""

    code = "tag_ended"
    status = 422
    message = _("A tag must end in the future.")


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

    A member who has it keeps author and date; only the end is set anew. One whose end
    has come counts as gone: it is put on afresh.

    Raises:
        TagEnded: ``expires_at`` is not after ``now``.
    """
    if expires_at is not None and expires_at <= now:
        raise TagEnded
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    tag, _created = Tag.objects.get_or_create(name=" ".join(name.split()))
    MemberTag.objects.filter(member=member, tag=tag, expires_at__lte=now).delete()
    tagged, created = MemberTag.objects.get_or_create(
        member=member,
        tag=tag,
        defaults={"author": author, "created_at": now, "expires_at": expires_at},
    )
    if not created and tagged.expires_at == expires_at:
        return tagged
    if not created:
        tagged.expires_at = expires_at
        tagged.save(update_fields=["expires_at"])
    if author is not None:
        _record("members.tag", member, tag, author, now)
    return tagged


@transaction.atomic
def untag_member(
    *, member_id: int, name: str, actor: User | None = None, now: datetime
) -> bool:
    """Take a tag off a member; return whether it was there."""
    tagged = (
        MemberTag.objects.select_related("member", "tag")
        .select_for_update(of=("self",))
        .filter(member_id=member_id, tag__name=name)
        .first()
    )
    if tagged is None:
        return False
    if actor is not None:
        _record("members.untag", tagged.member, tagged.tag, actor, now)
    tagged.delete()
    return True


def drop_expired_tags(*, now: datetime) -> int:
    """Take off every tag whose end has come; return how many."""
    gone, _rows = MemberTag.objects.filter(expires_at__lte=now).delete()
    return gone


def _record(action: str, member: Member, tag: Tag, actor: User, now: datetime) -> None:
    record_audit(
        actor=actor, action=action, obj=member, detail={"tag": tag.name}, now=now
    )

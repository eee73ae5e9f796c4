"""Write on a member's timeline."""

from datetime import datetime

from members.models import Note, User
from members.services.freezing import ReasonMissing


def add_note(
    *,
    member_id: int,
    text: str,
    author: User | None,
    is_pinned: bool = False,
    about: str = "",
    now: datetime,
) -> Note:
    """Add a remark of staff; its text is encrypted.

    Args:
        about: public id of what it is about, such as an order.

    Raises:
        ReasonMissing: the text is empty.
    """
    if not text.strip():
        raise ReasonMissing
    return Note.objects.create(
        member_id=member_id,
        author=author,
        text=text.strip(),
        is_pinned=is_pinned,
        about=about,
        created_at=now,
    )

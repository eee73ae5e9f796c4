"""End sessions: one device, all others, or everything of a login."""

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from members.models import Session


class NoSuchDevice(Refusal):
    """You are not signed in on this device."""

    code = "not_found"
    status = 404
    message = _("You are not signed in on this device.")


def end_session(*, user_id: int, public_id: str) -> None:
    """Sign a login out on one device; its token is refused from the next request on.

    Raises:
        NoSuchDevice: this login has no such session.
    """
    ended, _rows = Session.objects.filter(user_id=user_id, public_id=public_id).delete()
    if not ended:
        raise NoSuchDevice


def end_sessions(*, user_id: int, keep: str | None = None) -> int:
    """Sign a login out everywhere, or everywhere else; return how many ended.

    Args:
        user_id: the login.
        keep: hash of the token (``members.sessions.key_mark``) that stays good.
    """
    ended = Session.objects.filter(user_id=user_id)
    if keep is not None:
        ended = ended.exclude(session_key=keep)
    return ended.delete()[0]

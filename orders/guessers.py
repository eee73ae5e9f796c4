"""Who types codes, as a request tells it."""

from members.identity.callers import address_of
from members.rules.devices import caller_of
from orders.services.guessing import Guesser


def guesser_of(request) -> Guesser:
    """Return whose wrong codes are counted: member, browser session, address."""
    member = getattr(request.user, "member", None)
    session = getattr(request, "session", None)
    return Guesser(
        member_id=member.pk if member else None,
        device=(session.session_key if session else None) or "",
        address=caller_of(address_of(request._request)),
    )

"""Who is calling the storefront API."""

from allauth.headless.internal.sessionkit import authenticate_by_x_session_token
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from members.models import User
from members.queries import member_of
from members.sessions import SessionStore

#: Longer than any session key; saves a query for rubbish.
_LONGEST_TOKEN = 64


class MemberSession(SessionAuthentication):
    """A session of allauth: by token (apps) or by cookie with CSRF (browsers).

    The token comes as ``X-Session-Token`` or as ``Authorization: Bearer``.
    """

    def authenticate(self, request):
        """Return the caller, or None when there is no credential.

        Raises:
            AuthenticationFailed: a token came and it opens no session.
        """
        token = session_token_of(request)
        if token is None:
            return _leading_on(super().authenticate(request))
        known = None
        # NUL cannot be in a key, and PostgreSQL would refuse to look for it.
        if 0 < len(token) <= _LONGEST_TOKEN and token.isalnum():
            known = _opened_by(token)
        if known is None:
            raise AuthenticationFailed(_("This session is over. Sign in again."))
        return _leading_on(known)

    def authenticate_header(self, request) -> str:
        """Return the challenge; it makes a missing credential 401, not 403."""
        return 'Bearer realm="storefront"'


def _opened_by(token: str) -> tuple | None:
    """Return the login and session of a token, if it opens one."""
    session = SessionStore(token)
    user = session.signed_in()
    if user is not None:
        return user, session
    if session.session_key is None:
        return None
    return authenticate_by_x_session_token(token)


def _leading_on(known):
    """Let the login of a merged member stand for whoever stayed, for this request."""
    if known is not None and isinstance(known[0], User):
        member = member_of(known[0])
        if member is not None and member.user_id != known[0].pk:
            User.member.related.set_cached_value(known[0], member)
    return known


def session_token_of(request) -> str | None:
    """Return the token a request carries, if any; ``""`` is a bad one."""
    token = request.headers.get("X-Session-Token")
    if token is not None:
        return token
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def token_of(request) -> str:
    """Return the token of the session that a signed-in request came with."""
    session = request.auth if request.auth is not None else request.session
    return session.session_key or ""


class IsMember(BasePermission):
    """The caller is a member whose membership was not ended.

    ``members.rules.lifecycle`` says which. Frozen members may read; what they may not
    do the services refuse.
    """

    message = _("Only members can do this.")
    code = "not_a_member"

    def has_permission(self, request, view) -> bool:
        """Return whether ``request.user.member`` is there and may come in."""
        member = getattr(request.user, "member", None)
        return member is not None and member.may_sign_in


class MemberSessionScheme(OpenApiAuthenticationExtension):
    """How the API description shows ``MemberSession``."""

    target_class = MemberSession
    name = ["sessionToken", "bearer", "sessionCookie"]

    def get_security_definition(self, auto_schema):
        """Return the three ways in."""
        return [
            {"type": "apiKey", "in": "header", "name": "X-Session-Token"},
            {"type": "http", "scheme": "bearer"},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]

    def get_security_requirement(self, auto_schema):
        """Return that one of them is enough."""
        return [{name: []} for name in self.name]

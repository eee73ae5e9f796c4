"""Who is calling the server API: programs of the shop, by key and scope."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.models import ServerKey
from crm.shared.server_keys import find_server_key, take_request
from crm.shared.strict import StrictQueryMixin

#: What other systems may call themselves, and their numbers: what fits an address.
SOURCE_PATTERN = r"[a-z0-9][a-z0-9_:-]{0,39}"
EXTERNAL_ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,79}"


class ServerCaller:
    """The program behind a key, where others expect a login."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, key: ServerKey) -> None:
        self.pk = key.public_id

    def __str__(self) -> str:
        return f"key:{self.pk}"


class ServerKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer sk_…``. Sessions of people open nothing here."""

    def authenticate(self, request: Any) -> tuple[ServerCaller, ServerKey] | None:
        """Return the caller and its key; None when there is no credential.

        Raises:
            AuthenticationFailed: the key is unknown, revoked, expired or of the
                other kind of shop; all sound alike.
        """
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            return None
        key = find_server_key(secret=secret.strip(), now=now())
        if key is None:
            raise AuthenticationFailed(_("This key does not open anything here."))
        return ServerCaller(key), key

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="server"'


class HasScope(BasePermission):
    """The key carries the scope the view names for the method."""

    message = _("This key lacks the scope for this.")
    code = "insufficient_scope"

    def has_permission(self, request: Any, view: Any) -> bool:
        """Return whether ``view.scopes[method]`` is among the key's."""
        if not hasattr(view, request.method.lower()):
            return True  # Nobody may: 405 says it better.
        method = "GET" if request.method == "HEAD" else request.method
        return view.scopes.get(method) in request.auth.scopes


class ServerView(StrictQueryMixin, APIView):
    """Base of the server API: key, scope, budget of the minute.

    ``scopes`` names what each method needs; a method left out is open to no key.
    """

    authentication_classes = [ServerKeyAuthentication]
    permission_classes = [HasScope]
    scopes: dict[str, str] = {}
    _allowance = None

    def check_permissions(self, request: Any) -> None:
        """Turn strangers away with 401 before asking for a scope."""
        if not isinstance(request.auth, ServerKey):
            self.permission_denied(request)
        super().check_permissions(request)

    def check_throttles(self, request: Any) -> None:
        """Count the request.

        Raises:
            Throttled: the key's minute is used up.
        """
        self._allowance = take_request(key=request.auth, now=now())
        if not self._allowance.allowed:
            raise Throttled(wait=self._allowance.seconds)

    def finalize_response(self, request: Any, response: Any, *args, **kwargs):
        """Tell what is left of the minute."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._allowance is not None:
            response["X-RateLimit-Limit"] = str(self._allowance.limit)
            response["X-RateLimit-Remaining"] = str(self._allowance.remaining)
            response["X-RateLimit-Reset"] = str(self._allowance.seconds)
        return response


class ServerKeyScheme(OpenApiAuthenticationExtension):
    """How the API description shows ``ServerKeyAuthentication``."""

    target_class = ServerKeyAuthentication
    name = "serverKey"

    def get_security_definition(self, auto_schema):
        """Return the way in."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sk_…"}

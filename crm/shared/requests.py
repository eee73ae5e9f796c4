"""One request from the door in to the door out: id, log line, headers."""

import logging
import re
import time
from datetime import UTC
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject, empty

from crm.shared.logs import bind, unbind
from crm.shared.problems import handler400, is_api
from crm.shared.public_ids import new_public_id

log = logging.getLogger("crm.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_STRICT = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
#: Unfold's Alpine.js evaluates expressions and sets styles; nobody else may.
_ADMIN = f"{_STRICT}; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"
_DATA = "default-src 'none'; frame-ancestors 'none'"
_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
_ADMIN_PATH = "/admin/"
_QUIET = frozenset({"/livez", "/readyz"})


class QueryCounter:
    """Counts SQL statements; goes to ``connection.execute_wrapper``."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute, sql, params, many, context):
        """Count one statement and run it."""
        self.count += 1
        return execute(sql, params, many, context)


class RequestContextMiddleware:
    """Give each request an id and one access line, and each answer its headers.

    Outermost of all, so that every error is inside. Under ``/api/`` moments are
    written in UTC whatever the shop's time zone.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        started = time.perf_counter()
        unbind()
        request_id = request_id_of(request)
        bind(request_id=request_id)
        request.request_id = request_id  # type: ignore[attr-defined]
        counter = QueryCounter()
        try:
            with connection.execute_wrapper(counter):
                response = self._respond(request)
            response["X-Request-Id"] = request_id
            set_security_headers(request, response)
            log_access(request, response, counter.count, started)
        finally:
            unbind()
        return response

    def _respond(self, request: HttpRequest) -> HttpResponse:
        # PostgreSQL text cannot hold NUL, so no address that carries one is real.
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return handler400(request)
        if is_api(request):
            with timezone.override(UTC):
                return self.get_response(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Refuse a form of the staff pages that carries a NUL, too."""
        if not request.path.startswith(_ADMIN_PATH):
            return None
        values = (each for _name, values in request.POST.lists() for each in values)
        return handler400(request) if any("\x00" in each for each in values) else None


def request_id_of(request: HttpRequest) -> str:
    """Return the caller's X-Request-Id if it is harmless, else a new ``req_…``."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_public_id("req")


def set_security_headers(request: HttpRequest, response: HttpResponse) -> None:
    """Add what Django's SecurityMiddleware does not; a view's own value wins."""
    html = response.get("Content-Type", "").startswith("text/html")
    policy = _DATA if not html else _STRICT
    if html and request.path.startswith(_ADMIN_PATH):
        policy = _ADMIN
    response.setdefault("Content-Security-Policy", policy)
    response.setdefault("Permissions-Policy", _PERMISSIONS)
    response.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.setdefault("X-Content-Type-Options", "nosniff")
    if is_api(request):
        # Public catalogue answers may set their own; a known caller's never stay.
        if known_user(request) is not None:
            response["Cache-Control"] = "private, no-store"
        else:
            response.setdefault("Cache-Control", "no-store")


def known_user(request: HttpRequest) -> Any | None:
    """Return the signed-in user if somebody already asked; never queries for it."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject) and user.__dict__.get("_wrapped") is empty:
        return None
    if user is None or isinstance(user, AnonymousUser):
        return None
    return user if user.is_authenticated else None


def user_mark(user: Any | None) -> str:
    """Return a stable mark of a user that names nobody, or ``-``."""
    if user is None:
        return "-"
    return salted_hmac("crm.access", str(user.pk), algorithm="sha256").hexdigest()[:12]


def log_access(
    request: HttpRequest, response: HttpResponse, queries: int, started: float
) -> None:
    """Write one line: what kind of request, how it ended, what it cost.

    The route is the pattern, not the address, so no id and no search word is kept.
    """
    if request.path in _QUIET and response.status_code < 500:
        return
    match = request.resolver_match
    log.info(
        "request",
        extra={
            "method": request.method if request.method in _METHODS else "OTHER",
            "route": f"/{match.route}" if match else "unmatched",
            "status": response.status_code,
            "ms": round((time.perf_counter() - started) * 1000, 1),
            "queries": queries,
            "user": user_mark(known_user(request)),
        },
    )


_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
)

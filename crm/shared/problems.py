"""Every error of the API in one shape: RFC 9457 ``application/problem+json``.

``{type, title, status, code, instance, request_id, errors, params}``. Programs branch
on ``code`` alone; ``title`` and ``detail`` follow Accept-Language. A 5xx tells nothing
but the request id. Outside ``/api/`` the same errors are translated HTML pages.
"""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from crm.shared.bounded_json import dumps, escape_pointer
from crm.shared.errors import Refusal
from crm.shared.logs import bind, bound, describe
from crm.shared.strict import StrictQueryMixin, StrictSerializer

__all__ = [
    "document_problems",
    "StrictQueryMixin",
    "StrictSerializer",
    "csrf_failure",
    "exception_handler",
    "handler400",
    "handler403",
    "handler404",
    "handler500",
    "problem_response",
]

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
#: DRF's own codes where this API promises another word.
_CODES = {"throttled": "rate_limited", "parse_error": "malformed_json"}
_UNIQUE_VIOLATION = "23505"


def problem_response(
    request: Any,
    status: int,
    code: str,
    title: Any,
    *,
    errors: list[dict[str, str]] | None = None,
    params: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    """Return one problem as an answer."""
    bind(code=code)
    body: dict[str, Any] = {
        "type": f"{settings.PROBLEM_TYPE_PREFIX}{code}",
        "title": str(title),
        "status": status,
        "code": code,
    }
    request_id = bound("request_id")
    if status >= 500:
        body["request_id"] = request_id
    else:
        body |= {"instance": request.path, "request_id": request_id}
        if errors:
            body["errors"] = errors
        if params:
            body["params"] = params
    return HttpResponse(
        dumps(body), status=status, content_type=CONTENT_TYPE, headers=headers
    )


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer what a DRF view raised; None lets the unexpected reach the 500 page."""
    request = context["request"]
    if isinstance(error, Refusal):
        response = _refused(request, error)
    elif isinstance(error, OperationalError | InterfaceError):
        response = _busy(request, error)
    elif isinstance(error, IntegrityError):
        response = _conflict(request, error)
    else:
        response = _api_error(request, _as_api_error(error))
    if response is not None:
        set_rollback()
    return response


def _refused(request: Any, refusal: Refusal) -> HttpResponse:
    title = str(refusal)
    errors = []
    if refusal.pointer:
        errors = [{"pointer": refusal.pointer, "code": refusal.code, "detail": title}]
    return problem_response(
        request,
        refusal.status,
        refusal.code,
        title,
        errors=errors,
        params=refusal.params,
        headers=getattr(refusal, "headers", None),
    )


def _busy(request: Any, error: Exception) -> HttpResponse:
    # Lock and statement time-outs, deadlocks, a database that is restarting.
    log.warning("The database could not answer.", extra={"error": describe(error)})
    title = _("The shop is busy. Please try again in a moment.")
    return problem_response(
        request, 503, "try_again", title, headers={"Retry-After": "1"}
    )


def _conflict(request: Any, error: IntegrityError) -> HttpResponse | None:
    if getattr(error.__cause__, "sqlstate", None) != _UNIQUE_VIOLATION:
        return None
    log.info("A unique row was there already.", extra={"error": describe(error)})
    title = _("Somebody else has just done this. Please look again.")
    return problem_response(request, 409, "conflict", title)


def _as_api_error(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, ModelValidationError):
        return exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, RequestDataTooBig):
        too_large = exceptions.APIException(_("The request body is too large."))
        too_large.status_code, too_large.detail.code = 413, "body_too_large"
        return too_large
    return None


def _api_error(
    request: Any, error: exceptions.APIException | None
) -> HttpResponse | None:
    if error is None:
        return None
    headers: dict[str, str] = {}
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(error.wait)))
    if isinstance(error, exceptions.ValidationError):
        code = getattr(error, "problem_code", "validation_error")
        title = getattr(error, "problem_title", _("The request is not valid."))
        errors = pointed_errors(error.detail)
        return problem_response(request, error.status_code, code, title, errors=errors)
    status = error.status_code
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        status = 401  # Also where DRF, lacking a scheme, would say 403.
        headers["WWW-Authenticate"] = getattr(error, "auth_header", "") or "Bearer"
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(_allowed_methods(request))
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else error.default_code
    code = _CODES.get(code, code)
    title = error.detail if isinstance(error.detail, str) else error.default_detail
    errors = []
    if getattr(error, "pointer", ""):
        errors = [{"pointer": error.pointer, "code": code, "detail": str(title)}]
    return problem_response(
        request, status, code, title, errors=errors, headers=headers
    )


def _allowed_methods(request: Any) -> list[str]:
    view = (getattr(request, "parser_context", None) or {}).get("view")
    return view.allowed_methods if view is not None else []


def pointed_errors(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """Flatten DRF's nested error detail into JSON Pointers, in field order.

    >>> pointed_errors({"items": [{}, {"quantity": [ErrorDetail("No.", "min_value")]}]})
    [{'pointer': '/items/1/quantity', 'code': 'min_value', 'detail': 'No.'}]
    """
    if isinstance(detail, dict):
        found = []
        for name, inner in detail.items():
            whole = name == api_settings.NON_FIELD_ERRORS_KEY
            step = "" if whole else f"/{escape_pointer(str(name))}"
            found += pointed_errors(inner, pointer + step)
        return found
    if isinstance(detail, list | tuple):
        found = []
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list | tuple)
            found += pointed_errors(inner, f"{pointer}/{index}" if nested else pointer)
        return found
    code = getattr(detail, "code", "") or "invalid"
    return [{"pointer": pointer, "code": code, "detail": str(detail)}]


# --- Errors outside DRF: Django's own handlers --------------------------------


def is_api(request: HttpRequest) -> bool:
    """Whether programs, not people, asked."""
    return request.path.startswith("/api/")


def _answer(
    request: HttpRequest, status: int, code: str, title: Any, text: Any
) -> HttpResponse:
    if is_api(request):
        return problem_response(request, status, code, title)
    page = {
        "status": status,
        "title": title,
        "text": text,
        "language": get_language() or settings.LANGUAGE_CODE,
        "request_id": bound("request_id"),
    }
    # No request and no context processors: an error page must not need the database.
    return HttpResponse(render_to_string("errors/error.html", page), status=status)


def handler400(request: HttpRequest, exception: Exception | None = None):
    """Answer what Django found suspicious."""
    if isinstance(exception, RequestDataTooBig):
        title = gettext("The request body is too large.")
        return _answer(request, 413, "body_too_large", title, "")
    title = gettext("The request is not valid.")
    return _answer(
        request, 400, "bad_request", title, gettext("Go back and try again.")
    )


def handler403(request: HttpRequest, exception: Exception | None = None):
    """Answer what the visitor may not see."""
    title = gettext("You may not do this.")
    text = gettext("Ask an administrator if you need this page.")
    return _answer(request, 403, "permission_denied", title, text)


def handler404(request: HttpRequest, exception: Exception | None = None):
    """Answer what is not there."""
    title = gettext("This page does not exist.")
    text = gettext("It may have moved, or the address has a typing error.")
    return _answer(request, 404, "not_found", title, text)


def too_often(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Answer somebody who tried too often, as a page."""
    title = gettext("Too many tries.")
    response = _answer(request, refusal.status, refusal.code, title, str(refusal))
    for name, value in getattr(refusal, "headers", {}).items():
        response[name] = value
    return response


def handler500(request: HttpRequest):
    """Answer what went wrong here, telling only the request id."""
    title = gettext("Something went wrong on our side.")
    text = gettext("It has been written down. Please try again in a moment.")
    return _answer(request, 500, "internal_error", title, text)


def csrf_failure(request: HttpRequest, reason: str = ""):
    """Answer a form without a valid token (``CSRF_FAILURE_VIEW``)."""
    log.warning("CSRF check failed.", extra={"event": "csrf_failed"})
    title = gettext("This form has expired.")
    text = gettext("Go back, reload the page and send the form again.")
    return _answer(request, 403, "csrf_failed", title, text)


# --- OpenAPI ------------------------------------------------------------------

_POINTED = {
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "JSON Pointer into the body, or /name of a query parameter.",
            "example": "/items/1/quantity",
        },
        "code": {"type": "string", "example": "required"},
        "detail": {"type": "string"},
    },
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Branch on code; title and detail are translated.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "example": 400},
        "code": {"type": "string", "example": "validation_error"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": _POINTED},
        "params": {"type": "object", "additionalProperties": True},
    },
}
_MEANINGS = {
    "400": "Malformed or not valid",
    "401": "Not signed in",
    "403": "Not allowed",
    "404": "Not there, or not yours",
    "409": "The state of things does not allow it",
    "422": "A rule refuses it",
    "429": "Too many requests",
}
_METHODS_WITH_EFFECT = frozenset({"post", "put", "patch", "delete"})


def document_problems(result: dict, generator: Any, request: Any, public: bool) -> dict:
    """Add the one Problem shape to every operation of the schema (spectacular hook)."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for path, methods in result.get("paths", {}).items():
        for method, operation in methods.items():
            answers = operation.setdefault("responses", {})
            for status in _possible(path, method, operation):
                answers.setdefault(
                    status,
                    {
                        "description": _MEANINGS[status],
                        "content": {
                            CONTENT_TYPE: {
                                "schema": {"$ref": "#/components/schemas/Problem"}
                            }
                        },
                    },
                )
    return result


def _possible(path: str, method: str, operation: dict) -> list[str]:
    """Return the statuses an operation may refuse with."""
    statuses = ["400", "429"]
    if operation.get("security") != []:
        statuses += ["401", "403"]
    if "{" in path:
        statuses.append("404")
    if method in _METHODS_WITH_EFFECT:
        statuses += ["409", "422"]
    return sorted(statuses)

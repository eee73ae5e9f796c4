"""Who asks; and the door of allauth, before which what people type is replaced."""

import json

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, JsonResponse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext
from rest_framework.exceptions import APIException

from crm.shared import bounded_json
from crm.shared.errors import Refusal
from members.rules.identity import normalise_phone
from members.rules.profile import is_email
from members.services.aliasing import known_alias, phone_alias

SIGN_IN_PATH = "/_allauth/"
#: A form, not JSON, for browsers leave by it; it knows no field ``email``.
_REDIRECT_PATH = "/auth/provider/redirect"
#: What a field holds after something came that is no address, or no phone.
_NO_ADDRESS = "no address"
_NO_PHONE = "no phone"
_LONGEST_PHONE = 40


class LoginMiddleware(AuthenticationMiddleware):
    """Whoever is signed in is found with the session, where one look is enough."""

    def process_request(self, request: HttpRequest) -> None:
        """Give the request its login, looked for when it is first asked for."""
        super().process_request(request)
        request.user = SimpleLazyObject(
            lambda: request.session.signed_in() or get_user(request)
        )


class SignInAliasMiddleware:
    """Replace ``email`` and ``phone`` of every sign-in request by their aliases.

    What was typed stays on ``request.typed_email`` and ``request.typed_phone`` (in
    E.164), for this request and for the new member. Bodies are read within the
    bounds of the API.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Handle one request."""
        if request.path_info.startswith(SIGN_IN_PATH):
            request.typed_email = request.typed_phone = ""
            request.carries_passkey = False
            try:
                if not request.path_info.endswith(_REDIRECT_PATH):
                    _alias_body(request)
            except RequestDataTooBig:
                return sign_in_problem(
                    413, "body_too_large", gettext("The body is too large.")
                )
            except APIException as error:
                return sign_in_problem(
                    error.status_code, error.default_code, error.detail
                )
        return self.get_response(request)

    def process_exception(self, request, exception):
        """Answer 400 where a passkey cannot be read; its library fails in many ways."""
        if getattr(request, "carries_passkey", False) and isinstance(
            exception, LookupError | TypeError | ValueError | AttributeError
        ):
            return sign_in_problem(
                400, "invalid", gettext("This passkey cannot be read.")
            )
        return None


def _alias_body(request) -> None:
    body = request.body
    if not body.strip():
        return
    data = bounded_json.loads(body)
    if not isinstance(data, dict):
        raise bounded_json.MalformedJSON
    request.carries_passkey = "credential" in data
    if "email" in data:
        data["email"] = _email_alias(request, data["email"])
    if "phone" in data:
        data["phone"] = _phone_alias(request, data["phone"])
    if {"email", "phone"} & set(data):
        request._body = json.dumps(data, default=str).encode()


def _email_alias(request, given) -> str:
    typed = given.strip() if isinstance(given, str) else ""
    if not _is_address(typed):
        return _NO_ADDRESS
    request.typed_email = typed
    return known_alias(typed)


def _phone_alias(request, given) -> str:
    typed = given[:_LONGEST_PHONE] if isinstance(given, str) else ""
    request.typed_phone = normalise_phone(typed, settings.DEFAULT_REGION)
    return phone_alias(request.typed_phone) if request.typed_phone else _NO_PHONE


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return is_email(text)


def sign_in_problem(status: int, code: str, message: str) -> JsonResponse:
    """Answer in the shape of allauth, which its clients expect under its paths."""
    errors = [{"code": code, "message": str(message)}]
    return JsonResponse({"status": status, "errors": errors}, status=status)


def sign_in_refusal(refusal: Refusal) -> JsonResponse:
    """Answer a refusal in the shape of allauth."""
    answer = sign_in_problem(refusal.status, refusal.code, str(refusal))
    for name, value in getattr(refusal, "headers", {}).items():
        answer[name] = value
    return answer

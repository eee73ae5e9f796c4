"""How members sign in, in the words of django-allauth.

The address a person types is replaced by its alias before allauth sees it, so no
table, session or rate limit of allauth ever holds it
(docs/adr/0006-sign-in-identifiers.md).
"""

import json
import logging
from smtplib import SMTPException

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.adapter import DefaultHeadlessAdapter
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import JsonResponse
from django.utils.translation import get_language, gettext
from rest_framework.exceptions import APIException

from crm.shared import bounded_json, clock
from crm.shared.errors import Refusal
from members.models import User
from members.queries import member_of
from members.rules.profile import is_email
from members.services.aliasing import address_behind, known_alias
from members.services.joining import join

log = logging.getLogger(__name__)

SIGN_IN_PATH = "/_allauth/"
#: What an e-mail field holds after something that is no address came.
_NO_ADDRESS = "no address"
SOURCE = "storefront"


class SignInAliasMiddleware:
    """Replace the ``email`` of every sign-in request by its alias.

    The typed address stays on ``request.typed_email``, for the mail of this request
    and for the new member. Bodies are read within the bounds of the API.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Handle one request."""
        if request.path_info.startswith(SIGN_IN_PATH):
            request.typed_email = ""
            try:
                _alias_body(request)
            except RequestDataTooBig:
                return _problem(
                    413, "body_too_large", gettext("The body is too large.")
                )
            except APIException as error:
                return _problem(error.status_code, error.default_code, error.detail)
        return self.get_response(request)


def _alias_body(request) -> None:
    body = request.body
    if not body.strip():
        return
    data = bounded_json.loads(body)
    if not isinstance(data, dict):
        raise bounded_json.MalformedJSON
    if "email" not in data:
        return
    typed = data["email"].strip() if isinstance(data["email"], str) else ""
    if _is_address(typed):
        request.typed_email = typed
        data["email"] = known_alias(typed)
    else:
        data["email"] = _NO_ADDRESS
    request._body = json.dumps(data, default=str).encode()


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return is_email(text)


def _problem(status: int, code: str, message: str) -> JsonResponse:
    """Answer in the shape of allauth, which its clients expect under its paths."""
    errors = [{"code": code, "message": str(message)}]
    return JsonResponse({"status": status, "errors": errors}, status=status)


class AccountAdapter(DefaultAccountAdapter):
    """Signs people up as members and writes to their real address."""

    def save_user(self, request, user, form, commit=True):
        """Save the login and make its owner a member, both or neither."""
        try:
            with transaction.atomic():
                user = super().save_user(request, user, form, commit=True)
                join(
                    name=form.cleaned_data.get("name", ""),
                    email=request.typed_email,
                    source=SOURCE,
                    language=get_language() or "",
                    user=user,
                    now=clock.now(),
                )
        except Refusal as refusal:
            # Somebody else joined with this address in the same moment.
            answer = _problem(400, "email_taken", str(refusal))
            raise ImmediateHttpResponse(answer) from refusal
        return user

    def send_mail(self, template_prefix, email, context):
        """Send to the address behind an alias; to nobody when there is none."""
        address = _address_for(email)
        if not address:
            return
        try:
            super().send_mail(template_prefix, address, context)
        except (OSError, SMTPException) as error:
            # Told, it would tell a known address from an unknown one.
            log.error("Mail %s was not sent: %s", template_prefix, type(error).__name__)


def _address_for(alias: str) -> str | None:
    known = address_behind(alias)
    if known:
        return known
    # Nobody's: somebody asked for it just now, and is told so at that address.
    typed = getattr(context.request, "typed_email", "")
    return typed if typed and known_alias(typed) == alias else None


class HeadlessAdapter(DefaultHeadlessAdapter):
    """What an app learns about who signed in."""

    def user_as_dataclass(self, user):
        """Show the member's public id, number and own address; aliases never."""
        member = member_of(user)
        return self.get_user_dataclass()(
            id=member.public_id if member else None,
            display=display_of_login(user),
            email=member.email if member else None,
            has_usable_password=user.has_usable_password(),
            username="",
        )


def display_of_login(user: User) -> str:
    """Return what mails and apps call the owner of a login."""
    member = member_of(user)
    return member.number if member else user.get_username()

"""Sign in, or join, with a code by SMS or e-mail; beside allauth and in its shape.

``POST …/auth/code/request`` takes ``{"phone"}`` or ``{"email"}`` and answers 401 with
``login_by_code`` pending, whoever it is; ``POST …/auth/code/confirm`` takes
``{"code", "name"}`` in the same session and answers like any sign-in of allauth: 200
with the user, or 401 when a second factor comes next.
"""

from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.headless.base.response import (
    AuthenticationResponse,
    ConflictResponse,
    ForbiddenResponse,
    UnauthorizedResponse,
)
from allauth.headless.base.views import APIView
from allauth.headless.internal.restkit import inputs
from allauth.headless.internal.restkit.response import ErrorResponse
from allauth.headless.mfa.views import ManageTOTPView
from allauth.headless.socialaccount.views import ManageProvidersView
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.shared.clock import now
from crm.shared.errors import Refusal
from members.identity.adapters import SOURCE
from members.identity.callers import address_of
from members.identity.middleware import sign_in_refusal
from members.rules.devices import caller_of
from members.rules.profile import LONGEST_NAME
from members.services.requesting_codes import DIGITS, request_code
from members.services.signing_in import sign_in_by_code

#: Which code this session waits for.
PENDING = "sign_in_code"
_FLOW = "login_by_code"


class ContactInput(inputs.Input):
    """One way to be reached; the middleware has put an alias in its place."""

    phone = inputs.CharField(required=False)
    email = inputs.CharField(required=False)


class CodeInput(inputs.Input):
    """What came by SMS or mail, and how a new member is called."""

    code = inputs.CharField(min_length=DIGITS, max_length=DIGITS)
    name = inputs.CharField(max_length=LONGEST_NAME, required=False)


class CodeSent(UnauthorizedResponse):
    """A code is on its way, or would be."""

    def _get_flows(self, request, user):
        return [
            *super()._get_flows(request, user),
            {"id": _FLOW, "is_pending": True},
        ]


class RequestCode(APIView):
    """POST a phone or an e-mail address; the answer never tells who is known."""

    http_method_names = ["post"]
    input_class = ContactInput

    def post(self, request, *args, **kwargs):
        """Queue a code and let this session wait for it."""
        if request.user.is_authenticated:
            return ConflictResponse(request)
        contacts = [each for each in (request.typed_phone, request.typed_email) if each]
        if len(contacts) != 1 or len(self.data or {}) != 1:
            wrong = ValidationError(
                _("Give one phone number or one e-mail address."), code="invalid"
            )
            return ErrorResponse(request, exception=wrong)
        try:
            code = request_code(
                contact=contacts[0],
                caller=caller_of(address_of(request)),
                language=get_language() or "",
                now=now(),
            )
        except Refusal as refusal:
            return sign_in_refusal(refusal)
        request.session[PENDING] = code.public_id
        return CodeSent(request)


class ConfirmCode(APIView):
    """POST the code that came; 200 signed in, 401 a second factor is missing."""

    http_method_names = ["post"]
    input_class = CodeInput

    def post(self, request, *args, **kwargs):
        """Sign in, or join, whoever proves to read what was sent."""
        if request.user.is_authenticated or PENDING not in request.session:
            return ConflictResponse(request)
        try:
            user = sign_in_by_code(
                code_id=request.session[PENDING],
                digits=self.input.cleaned_data["code"],
                caller=caller_of(address_of(request)),
                name=self.input.cleaned_data["name"],
                language=get_language() or "",
                source=SOURCE,
                now=now(),
            )
        except Refusal as refusal:
            return sign_in_refusal(refusal)
        del request.session[PENDING]
        record_authentication(request, user, method="code")
        # What the code proved needs no second mail.
        login = Login(user=user, email_verification=EmailVerificationMethod.NONE)
        response = perform_login(request, login)
        return AuthenticationResponse.from_response(request, response)


class Providers(ManageProvidersView):
    """GET as allauth; unlinking goes through ``DELETE /me/identities`` alone.

    allauth looks whether another way in is left, then deletes: two at once pass.
    """

    http_method_names = ["get"]


class AuthenticatorApp(ManageTOTPView):
    """As allauth, but staff keep theirs: another one of staff takes it off."""

    def delete(self, request, *args, **kwargs):
        """Take the app off a member's login."""
        if request.user.is_staff:
            return ForbiddenResponse(request)
        return super().delete(request, *args, **kwargs)

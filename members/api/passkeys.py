"""Passkeys at allauth's addresses: its ceremony, our names, limits and counters.

``GET …/account/authenticators/webauthn`` begins and ``POST`` ends adding one; ``PUT``
renames, ``DELETE`` removes. ``…/auth/webauthn/{login,authenticate,reauthenticate}``
let in without a password, after one, and once more before something grave.
"""

from allauth.account.internal.flows.reauthentication import (
    raise_if_reauthentication_required,
)
from allauth.headless.internal.restkit import inputs
from allauth.headless.mfa.inputs import (
    AddWebAuthnInput,
    AuthenticateWebAuthnInput,
    LoginWebAuthnInput,
    ReauthenticateWebAuthnInput,
    UpdateWebAuthnInput,
)
from allauth.headless.mfa.response import AuthenticatorResponse, AuthenticatorsResponse
from allauth.headless.mfa.views import (
    AuthenticateWebAuthnView,
    AuthenticatorsView,
    LoginWebAuthnView,
    ManageWebAuthnView,
    ReauthenticateWebAuthnView,
)
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import flows
from allauth.mfa.webauthn.internal.auth import parse_authentication_response
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.clock import now
from crm.shared.errors import Refusal
from members.identity.middleware import sign_in_refusal
from members.rules.passkeys import (
    LONGEST_PASSKEY_NAME,
    bare_credential,
    passkey_name,
)
from members.services.passkeys import count_use, make_room, rename_passkey
from members.services.second_factors import open_secret, seal_secret


class NamedInput(inputs.Input):
    """What a passkey is called."""

    def clean_name(self) -> str:
        """Return a tidy name; without one, allauth's."""
        try:
            return passkey_name(self.cleaned_data["name"] or self._other_name())
        except ValueError as error:
            raise ValidationError(_("This is no name."), code="invalid") from error

    def _other_name(self) -> str:
        return get_adapter().generate_authenticator_name(
            self.user, Authenticator.Type.WEBAUTHN
        )


class NewPasskeyInput(NamedInput, AddWebAuthnInput):
    """A credential fresh from the device."""

    name = inputs.CharField(required=False, max_length=LONGEST_PASSKEY_NAME)


class PasskeyNameInput(NamedInput, UpdateWebAuthnInput):
    """A new name for one of one's own."""

    name = inputs.CharField(max_length=LONGEST_PASSKEY_NAME)


class CountedInput(inputs.Input):
    """An answer of a passkey; its counter has to go on."""

    def clean_credential(self) -> Authenticator:
        """Return the passkey whose signature and counter are right."""
        given = self.cleaned_data["credential"]
        passkey = super().clean_credential()
        shown = parse_authentication_response(given).response.authenticator_data.counter
        if not count_use(passkey_id=passkey.pk, shown=shown, now=now()):
            # One answer for everything that is wrong.
            raise get_adapter().validation_error("incorrect_code")
        return passkey


class LoginInput(CountedInput, LoginWebAuthnInput):
    """Instead of a password."""


class SecondStepInput(CountedInput, AuthenticateWebAuthnInput):
    """After a password or a code."""


class AgainInput(CountedInput, ReauthenticateWebAuthnInput):
    """By somebody who is signed in."""


class PasskeyLogin(LoginWebAuthnView):
    """GET a challenge, POST its answer: signed in without a password."""

    input_class = {"POST": LoginInput}


class PasskeySecondStep(AuthenticateWebAuthnView):
    """GET a challenge, POST its answer: the second factor of this sign-in."""

    input_class = {"POST": SecondStepInput}


class PasskeyAgain(ReauthenticateWebAuthnView):
    """GET a challenge, POST its answer: it is still the same person."""

    input_class = {"POST": AgainInput}


class SecondFactors(AuthenticatorsView):
    """GET all second factors of mine, passkeys with their names."""

    def get(self, request, *args, **kwargs):
        """Return them as allauth does."""
        own = Authenticator.objects.filter(user=request.user).order_by("pk")
        return AuthenticatorsResponse(request, [_with_name(each) for each in own])


class Passkeys(ManageWebAuthnView):
    """Add, rename and remove passkeys of mine."""

    input_class = {
        **ManageWebAuthnView.input_class,
        "POST": NewPasskeyInput,
        "PUT": PasskeyNameInput,
    }

    def post(self, request, *args, **kwargs):
        """Keep a new passkey; 409 when there are too many, or it is one of them."""
        credential = bare_credential(self.input.cleaned_data["credential"])
        try:
            with transaction.atomic():
                make_room(user_id=request.user.pk, credential_id=credential["id"])
                passkey, codes = flows.add_authenticator(
                    request,
                    name=seal_secret(self.input.cleaned_data["name"]),
                    credential=credential,
                )
        except Refusal as refusal:
            return sign_in_refusal(refusal)
        meta = {"recovery_codes_generated": bool(codes)}
        return AuthenticatorResponse(request, _with_name(passkey), meta=meta)

    def put(self, request, *args, **kwargs):
        """Rename one after the member proved again who they are."""
        raise_if_reauthentication_required(request, app="allauth.mfa")
        passkey = rename_passkey(
            user_id=request.user.pk,
            passkey_id=self.input.cleaned_data["id"].pk,
            name=self.input.cleaned_data["name"],
        )
        return AuthenticatorResponse(request, _with_name(passkey))


def _with_name(row: Authenticator) -> Authenticator:
    """Return a row to show, never to save: its name is open."""
    if row.type == Authenticator.Type.WEBAUTHN:
        row.data["name"] = open_secret(row.data["name"])
    return row

"""Addresses under ``/_allauth/`` that are ours; they come before those of allauth."""

from allauth.headless.constants import Client
from django.urls import path

from members.api.passkeys import (
    PasskeyAgain,
    PasskeyLogin,
    Passkeys,
    PasskeySecondStep,
    SecondFactors,
)
from members.api.sign_in import AuthenticatorApp, ConfirmCode, Providers, RequestCode

urlpatterns = [
    path(
        f"{client.value}/v1/{address}",
        view.as_api_view(client=client),
        name=f"{client.value}-{name}",
    )
    for client in (Client.APP, Client.BROWSER)
    for address, view, name in (
        ("auth/code/request", RequestCode, "request-code"),
        ("auth/code/confirm", ConfirmCode, "confirm-code"),
        ("account/authenticators/totp", AuthenticatorApp, "authenticator-app"),
        ("account/authenticators/webauthn", Passkeys, "passkeys"),
        ("account/authenticators", SecondFactors, "second-factors"),
        ("auth/webauthn/login", PasskeyLogin, "passkey-login"),
        ("auth/webauthn/authenticate", PasskeySecondStep, "passkey-second-step"),
        ("auth/webauthn/reauthenticate", PasskeyAgain, "passkey-again"),
        ("account/providers", Providers, "providers"),
    )
]

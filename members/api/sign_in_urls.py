"""Addresses under ``/_allauth/`` that are ours; they come before those of allauth."""

from allauth.headless.constants import Client
from django.urls import path

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
        ("account/providers", Providers, "providers"),
    )
]

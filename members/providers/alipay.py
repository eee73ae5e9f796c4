"""Alipay: pages and mini-programs, by signed requests and verified answers."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)
from django.core.exceptions import ImproperlyConfigured

from members.providers.base import IdentityProvider
from members.providers.outbound import ask
from members.rules.alipay import (
    PROFILE_METHOD,
    PROVIDER,
    REDIRECT_SCOPE,
    TOKEN_METHOD,
    Kind,
    identity_of,
    refuse_error,
    request_parameters,
    signed_part,
    text_to_sign,
)
from members.rules.external_identity import Identity
from members.rules.provider_answers import ProviderFailed

_PATH = "/gateway.do"


class AlipayProvider(IdentityProvider):
    """One app of the shop at Alipay.

    ``app.secret`` is our private key, ``app.settings["public_key"]`` is Alipay's.
    """

    id = PROVIDER
    name = "Alipay"
    redirect_kinds = frozenset({Kind.WEB})
    code_parameter = "auth_code"

    def authorize_url(self, *, callback: str, state: str) -> str:
        """Return where Alipay asks the person."""
        query = urlencode(
            {
                "app_id": self.app.client_id,
                "scope": REDIRECT_SCOPE,
                "redirect_uri": callback,
                "state": state,
            }
        )
        pages = self.get_settings()["PAGES"]
        return f"{pages}/oauth2/publicAppAuthorize.htm?{query}"

    def identify(self, code: str) -> Identity:
        """Trade a code for an identity."""
        proof = self._call(TOKEN_METHOD, grant_type="authorization_code", code=code)
        profile = None
        # A mini-program's code is for the identity alone (scope auth_base).
        if self.kind == Kind.WEB:
            token = str(proof.get("access_token", ""))
            profile = self._call(PROFILE_METHOD, auth_token=token)
        return identity_of(app_id=self.app.client_id, proof=proof, profile=profile)

    def _call(self, method: str, **extra: str) -> Mapping[str, Any]:
        parameters = request_parameters(
            app_id=self.app.client_id,
            method=method,
            # Real time, not the shop's: the gateway compares it with its own.
            at=datetime.now(UTC),
            extra=extra,
        )
        parameters["sign"] = sign(text_to_sign(parameters), self.app.secret)
        text = ask(self.get_settings()["API"], _PATH, form=parameters)
        part, signature, _is_error = signed_part(text, method)
        if not is_signed(part, signature, self.app.settings["public_key"]):
            # Also where the gateway could not know us and signed nothing.
            raise ProviderFailed("answer is not signed by Alipay")
        answer = json.loads(part)
        refuse_error(answer)
        return answer


def sign(text: str, private_key: str) -> str:
    """Return the RSA2 signature (SHA-256, PKCS #1 v1.5) of a text, in base64."""
    signature = private_key_of(private_key).sign(text.encode(), PKCS1v15(), SHA256())
    return base64.b64encode(signature).decode()


def is_signed(text: str, signature: str, public_key: str) -> bool:
    """Return whether ``signature`` is the RSA2 signature of ``text``."""
    try:
        raw = base64.b64decode(signature, validate=True)
        public_key_of(public_key).verify(raw, text.encode(), PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def private_key_of(text: str) -> RSAPrivateKey:
    """Read a private key: PEM, or the bare base64 that Alipay's key tool writes.

    Raises:
        ImproperlyConfigured: it is neither, or no RSA key.
    """
    try:
        if "-----BEGIN" in text:
            key = load_pem_private_key(text.encode(), password=None)
        else:
            key = load_der_private_key(base64.b64decode(text), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ImproperlyConfigured("CRM_ALIPAY_PRIVATE_KEY is no RSA private key.")
    return key


def public_key_of(text: str) -> RSAPublicKey:
    """Read a public key: PEM, or the bare base64 that Alipay's pages show.

    Raises:
        ImproperlyConfigured: it is neither, or no RSA key.
    """
    try:
        if "-----BEGIN" in text:
            key = load_pem_public_key(text.encode())
        else:
            key = load_der_public_key(base64.b64decode(text))
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ImproperlyConfigured("CRM_ALIPAY_PUBLIC_KEY is no RSA public key.")
    return key

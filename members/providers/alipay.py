"""Alipay: pages and mini-programs, by signed requests and verified answers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from members.providers.base import IdentityProvider
from members.providers.outbound import ask
from members.providers.rsa2 import is_signed, sign
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

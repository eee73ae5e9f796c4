"""WeChat: open platform, official accounts, mini-programs."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from members.providers.base import IdentityProvider
from members.providers.outbound import ask
from members.rules.external_identity import Identity
from members.rules.provider_answers import ProviderFailed
from members.rules.wechat import (
    PROVIDER,
    REDIRECTS,
    Kind,
    identity_of,
    refuse_error,
)


class WeChatProvider(IdentityProvider):
    """One app of the shop at WeChat; ``app.settings["kind"]`` is a ``Kind``.

    Neither access tokens nor session keys are kept: they end with the call.
    """

    id = PROVIDER
    name = "WeChat"
    redirect_kinds = frozenset(REDIRECTS)

    def authorize_url(self, *, callback: str, state: str) -> str:
        """Return where WeChat asks the person; it must end in ``#wechat_redirect``."""
        path, scope = REDIRECTS[Kind(self.kind)]
        query = urlencode(
            {
                "appid": self.app.client_id,
                "redirect_uri": callback,
                "response_type": "code",
                "scope": scope,
                "state": state,
            }
        )
        pages = self.get_settings()["PAGES"]
        return f"{pages}{path}?{query}#wechat_redirect"

    def identify(self, code: str) -> Identity:
        """Trade a code for an identity."""
        if self.kind == Kind.MINI:
            proof = self._ask("/sns/jscode2session", js_code=code, **self._secret())
            return identity_of(app_id=self.app.client_id, proof=proof)
        proof = self._ask("/sns/oauth2/access_token", code=code, **self._secret())
        profile = None
        if proof.get("scope") != "snsapi_base":
            profile = self._ask(
                "/sns/userinfo",
                access_token=str(proof.get("access_token", "")),
                openid=str(proof.get("openid", "")),
                lang="zh_CN",
            )
        return identity_of(app_id=self.app.client_id, proof=proof, profile=profile)

    def _secret(self) -> dict[str, str]:
        return {
            "appid": self.app.client_id,
            "secret": self.app.secret,
            "grant_type": "authorization_code",
        }

    def _ask(self, path: str, **query: str) -> Mapping[str, Any]:
        # WeChat says text/plain and means UTF-8 JSON: only the text counts.
        try:
            answer = json.loads(ask(self.get_settings()["API"], path, query=query))
        except (ValueError, RecursionError):
            raise ProviderFailed("answer is not JSON") from None
        if not isinstance(answer, dict):
            raise ProviderFailed("answer is not an object")
        refuse_error(answer)
        return answer

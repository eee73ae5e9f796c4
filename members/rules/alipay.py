"""How Alipay's gateway is spoken to (opendocs.alipay.com, "Signing"). Plain Python."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from members.rules.external_identity import (
    EVERY_APP,
    Identity,
    Subject,
    tidy_nickname,
)
from members.rules.provider_answers import CodeRefused, ProviderBusy, ProviderFailed

PROVIDER = "alipay"
TOKEN_METHOD = "alipay.system.oauth.token"  # noqa: S105 - the name of a method
PROFILE_METHOD = "alipay.user.info.share"
REDIRECT_SCOPE = "auth_user"
#: The gateway reads timestamps as China Standard Time.
_GATEWAY_TIME = timezone(timedelta(hours=8))
_CODE_REFUSED = {"isv.code-invalid", "isv.code-is-reused"}
_BUSY = {
    *("isp.unknow-error", "isp.unknown-error", "aop.unknow-error"),
    *("isv.unknow-error", "isv.app-call-limited", "isv.method-call-limited"),
}
_LONGEST_SUB_CODE = 60


class Kind(StrEnum):
    """What an app id belongs to."""

    WEB = "web"  # Pages, in a browser or inside Alipay.
    MINI = "mini"  # Mini-program.


def request_parameters(
    *, app_id: str, method: str, at: datetime, extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the parameters of a call, still without ``sign``.

    Args:
        app_id: ours.
        method: such as ``alipay.system.oauth.token``.
        at: real time, aware; the gateway refuses what is too old.
        extra: parameters of the method.
    """
    return {
        "app_id": app_id,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": at.astimezone(_GATEWAY_TIME).strftime("%Y-%m-%d %H:%M:%S"),
        "version": "1.0",
        **extra,
    }


def text_to_sign(parameters: Mapping[str, str]) -> str:
    """Return what RSA2 signs: all but ``sign``, none empty, sorted, not encoded.

    >>> text_to_sign({"b": "2", "a": "1 &", "c": "", "sign": "x"})
    'a=1 &&b=2'
    """
    return "&".join(
        f"{name}={value}"
        for name, value in sorted(parameters.items())
        if value and name != "sign"
    )


def signed_part(text: str, method: str) -> tuple[str, str, bool]:
    """Return the text the gateway signed, its signature, and whether it is an error.

    The signature covers the node as it was sent, so it is cut out of the text and
    not written anew. Only the node that is verified is ever read.

    Args:
        text: the whole answer.
        method: what was asked; names the node.

    Raises:
        ProviderFailed: the answer is not of this shape.
    """
    own = f"{method.replace('.', '_')}_response"
    try:
        whole = json.loads(text, object_pairs_hook=_each_once)
        node = own if own in whole else "error_response"
        decoder = json.JSONDecoder()
        # Whatever is found here counts only once its signature is verified.
        start = text.index(f'"{node}"') + len(node) + 2
        start = text.index(":", start) + 1
        start += len(text[start:]) - len(text[start:].lstrip())
        value, end = decoder.raw_decode(text, start)
        signature = whole.get("sign", "")
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ProviderFailed("answer is not JSON of the documented shape") from None
    if not isinstance(value, dict) or not isinstance(signature, str):
        raise ProviderFailed("answer has no readable node")
    return text[start:end], signature, node == "error_response"


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def refuse_error(answer: Mapping[str, Any]) -> None:
    """Raise what the ``sub_code`` of a signed answer means, if it is an error.

    Raises:
        CodeRefused, ProviderBusy, ProviderFailed: see there.
    """
    if str(answer.get("code", "10000")) == "10000":
        return
    sub_code = str(answer.get("sub_code", ""))
    if sub_code in _CODE_REFUSED:
        raise CodeRefused
    if sub_code in _BUSY:
        raise ProviderBusy
    safe = "".join(c for c in sub_code if c.isalnum() or c in ".-_")
    raise ProviderFailed(f"sub_code {safe[:_LONGEST_SUB_CODE]}")


def identity_of(
    *,
    app_id: str,
    proof: Mapping[str, Any],
    profile: Mapping[str, Any] | None = None,
) -> Identity:
    """Return who signed in.

    Newer apps are told an ``open_id`` of their own, older ones a ``user_id`` that is
    the same in every app; some are told both.

    Raises:
        ProviderFailed: neither, or the profile is somebody else's.
    """
    profile = profile or {}
    for name in ("open_id", "user_id"):
        if profile.get(name) and proof.get(name) and profile[name] != proof[name]:
            raise ProviderFailed(f"profile of another {name}")
    names = ((app_id, proof.get("open_id")), (EVERY_APP, proof.get("user_id")))
    try:
        subjects = tuple(Subject(scope, value) for scope, value in names if value)
    except ValueError:
        subjects = ()
    if not subjects:
        raise ProviderFailed("no usable open_id or user_id")
    return Identity(
        provider=PROVIDER,
        subjects=subjects,
        nickname=tidy_nickname(profile.get("nick_name")),
    )

"""What WeChat's answers mean (developers.weixin.qq.com, "Login"). Plain Python."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from members.rules.external_identity import (
    EVERY_APP,
    Identity,
    Subject,
    tidy_nickname,
)
from members.rules.provider_answers import CodeRefused, ProviderBusy, ProviderFailed

PROVIDER = "wechat"


class Kind(StrEnum):
    """What an app id belongs to; each is signed in to in its own way."""

    WEB = "web"  # Open platform: a QR code on a web page.
    OFFICIAL = "official"  # Official account: a page inside WeChat.
    APP = "app"  # Open platform: a native app with WeChat's SDK.
    MINI = "mini"  # Mini-program.


#: Where a browser is sent, and what it asks leave for.
REDIRECTS = {
    Kind.WEB: ("/connect/qrconnect", "snsapi_login"),
    Kind.OFFICIAL: ("/connect/oauth2/authorize", "snsapi_userinfo"),
}
#: 40029 wrong or expired, 40163 used already, 41008 missing, 42003 expired.
_CODE_REFUSED = {40029, 40163, 41008, 42003}
#: -1 busy, 45009 daily and 45011 minute quota.
_BUSY = {-1, 45009, 45011}


def refuse_error(answer: Mapping[str, Any]) -> None:
    """Raise what the ``errcode`` of an answer means, if it has one.

    Raises:
        CodeRefused, ProviderBusy, ProviderFailed: see there.
    """
    code = answer.get("errcode", 0)
    if code == 0:
        return
    if code in _CODE_REFUSED:
        raise CodeRefused
    if code in _BUSY:
        raise ProviderBusy
    number = code if isinstance(code, int) else "unreadable"
    raise ProviderFailed(f"errcode {number}")


def identity_of(
    *,
    app_id: str,
    proof: Mapping[str, Any],
    profile: Mapping[str, Any] | None = None,
) -> Identity:
    """Return who signed in.

    Args:
        app_id: the app the code was for.
        proof: answer to the code, from ``access_token`` or ``jscode2session``.
        profile: answer of ``userinfo``, if it was asked.

    Raises:
        ProviderFailed: no ``openid``, or the profile is somebody else's.
    """
    profile = profile or {}
    if profile and profile.get("openid") != proof.get("openid"):
        raise ProviderFailed("userinfo of another openid")
    union = profile.get("unionid") or proof.get("unionid")
    try:
        subjects = [Subject(app_id, proof["openid"])]
        if union:
            subjects.append(Subject(EVERY_APP, union))
    except (KeyError, ValueError):
        raise ProviderFailed("no usable openid or unionid") from None
    return Identity(
        provider=PROVIDER,
        subjects=tuple(subjects),
        channel=app_id,
        nickname=tidy_nickname(profile.get("nickname")),
    )

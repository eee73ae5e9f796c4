"""The shop's apps at WeChat and Alipay, from settings to what allauth reads."""

from enum import StrEnum
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from members.rules import alipay, wechat

App = dict[str, Any]

_BROWSER_KINDS = {*wechat.REDIRECTS, alipay.Kind.WEB}
#: Shorter than any key.
_LONGEST_PATH = 200


def social_providers(env: Env) -> dict[str, dict[str, Any]]:
    """Return ``SOCIALACCOUNT_PROVIDERS`` from the environment.

    ``CRM_WECHAT_APPS`` lists ``kind:app-id:secret``, ``CRM_ALIPAY_APPS``
    ``kind:app-id``; ``CRM_ALIPAY_PRIVATE_KEY`` (ours) and ``CRM_ALIPAY_PUBLIC_KEY``
    (theirs) are PEM, base64, or the path of a file that holds it.

    ``API`` and ``PAGES`` are the hosts that are asked and that browsers are sent to.
    The first app whose people come by a browser is the provider's own: storefronts
    name it ``wechat`` or ``alipay``, further ones ``wechat-<app-id>``.

    Raises:
        ImproperlyConfigured: one of them cannot be read; the text names the variable.
    """
    alipay_apps = env.list("CRM_ALIPAY_APPS", default=[])
    ours = key_text(env("CRM_ALIPAY_PRIVATE_KEY", default=""))
    theirs = key_text(env("CRM_ALIPAY_PUBLIC_KEY", default=""))
    if alipay_apps and not (ours and theirs):
        raise ImproperlyConfigured(
            "CRM_ALIPAY_APPS needs CRM_ALIPAY_PRIVATE_KEY and CRM_ALIPAY_PUBLIC_KEY."
        )
    wechat_found = [
        _app("CRM_WECHAT_APPS", wechat.Kind, text, shape="kind:app-id:secret")
        for text in env.list("CRM_WECHAT_APPS", default=[])
    ]
    alipay_found = [
        _app("CRM_ALIPAY_APPS", alipay.Kind, text, shape="kind:app-id")
        for text in alipay_apps
    ]
    for app in alipay_found:
        app["secret"] = ours
        app["settings"]["public_key"] = theirs
    return {
        wechat.PROVIDER: {
            "APPS": _in_order(wechat.PROVIDER, wechat_found),
            "API": env("CRM_WECHAT_API", default="https://api.weixin.qq.com"),
            "PAGES": env("CRM_WECHAT_PAGES", default="https://open.weixin.qq.com"),
        },
        alipay.PROVIDER: {
            "APPS": _in_order(alipay.PROVIDER, alipay_found),
            "API": env("CRM_ALIPAY_API", default="https://openapi.alipay.com"),
            "PAGES": env("CRM_ALIPAY_PAGES", default="https://openauth.alipay.com"),
        },
    }


def _app(variable: str, kinds: type[StrEnum], text: str, *, shape: str) -> App:
    words = text.strip().split(":")
    right = len(words) == len(shape.split(":")) and all(words)
    if not right or words[0] not in set(kinds):
        # The entry itself is not shown: it may hold a secret.
        raise ImproperlyConfigured(
            f"{variable} has an entry that is not {shape}, "
            f"where kind is one of {', '.join(kinds)}."
        )
    return {
        "name": words[1],
        "client_id": words[1],
        "secret": words[-1],
        "settings": {"kind": words[0]},
    }


def _in_order(provider: str, apps: list[App]) -> list[App]:
    apps.sort(key=lambda app: app["settings"]["kind"] not in _BROWSER_KINDS)
    for app in apps[1:]:
        app["provider_id"] = f"{provider}-{app['client_id']}"
        # allauth: found by its own id, not where the provider alone is named.
        app["settings"]["hidden"] = True
    return apps


def key_text(text: str) -> str:
    """Return the content of the file ``text`` names, or ``text`` itself."""
    text = text.strip().replace("\\n", "\n")
    # Base64 may begin with a slash too, but no key is as short as a path of ours.
    is_path = len(text) <= _LONGEST_PATH and "\n" not in text and Path(text).is_file()
    return Path(text).read_text(encoding="ascii").strip() if is_path else text

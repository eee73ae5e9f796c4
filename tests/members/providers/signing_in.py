"""What storefronts do to sign people in by WeChat and Alipay."""

import json
from urllib.parse import parse_qs, urlsplit

from django.test import Client

WEB, OFFICIAL, MINI, OTHER_MINI = "wxweb", "wxofficial", "wxmini", "wxother"
ALIPAY_WEB, ALIPAY_MINI = "2021000000000001", "2021000000000002"
TOKEN = "/_allauth/app/v1/auth/provider/token"
LINKED = "/_allauth/app/v1/account/providers"
STOREFRONT = "http://localhost:8000/welcome"


def bring(code, app_id, *, provider="wechat", process="login", session=None, **more):
    """Sign in or link with the code of a mini-program or native app."""
    return Client().post(
        TOKEN,
        json.dumps(
            {
                "provider": provider,
                "process": process,
                "token": {"client_id": app_id, "access_token": code, **more},
            }
        ),
        content_type="application/json",
        headers={"X-Session-Token": session} if session else {},
    )


def session_of(answer):
    return answer.json()["meta"]["session_token"]


def leave(browser, provider, *, process="login", to=STOREFRONT):
    """Send a browser to the provider; return the answer."""
    return browser.post(
        "/_allauth/browser/v1/auth/provider/redirect",
        {"provider": provider, "callback_url": to, "process": process},
    )


def asked(answer):
    """Return address and parameters a browser was sent to."""
    parts = urlsplit(answer["Location"])
    return parts, {name: values[0] for name, values in parse_qs(parts.query).items()}


def come_back(browser, provider, app_id, **query):
    return browser.get(f"/accounts/{provider}/{app_id}/callback/", query)

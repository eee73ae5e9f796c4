import pytest
from django.core.cache import cache

from tests.members.providers.servers import (
    AlipayServer,
    WeChatServer,
    make_key,
    private_pem,
    public_pem,
)
from tests.members.providers.signing_in import (
    ALIPAY_MINI,
    ALIPAY_WEB,
    MINI,
    OFFICIAL,
    OTHER_MINI,
    WEB,
)


@pytest.fixture(autouse=True)
def forget_rate_limits(db):
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(scope="session")
def shop_key():
    return make_key()


@pytest.fixture
def wechat(settings):
    secrets = {app: f"secret-of-{app}" for app in (WEB, OFFICIAL, MINI, OTHER_MINI)}
    kinds = {WEB: "web", OFFICIAL: "official", MINI: "mini", OTHER_MINI: "mini"}
    with WeChatServer(secrets) as server:
        apps = [
            {
                "client_id": app,
                "secret": secrets[app],
                "settings": {"kind": kind, "hidden": app != WEB},
                **({"provider_id": f"wechat-{app}"} if app != WEB else {}),
            }
            for app, kind in kinds.items()
        ]
        settings.SOCIALACCOUNT_PROVIDERS = {
            **settings.SOCIALACCOUNT_PROVIDERS,
            "wechat": {"APPS": apps, "API": server.url, "PAGES": "https://pages"},
        }
        yield server


@pytest.fixture
def alipay(settings, shop_key):
    with AlipayServer({ALIPAY_WEB, ALIPAY_MINI}, shop_key.public_key()) as server:
        common = {"secret": private_pem(shop_key)}
        theirs = {"public_key": public_pem(server.key)}
        settings.SOCIALACCOUNT_PROVIDERS = {
            **settings.SOCIALACCOUNT_PROVIDERS,
            "alipay": {
                "APPS": [
                    {
                        **common,
                        "client_id": ALIPAY_WEB,
                        "settings": {"kind": "web", **theirs},
                    },
                    {
                        **common,
                        "client_id": ALIPAY_MINI,
                        "provider_id": f"alipay-{ALIPAY_MINI}",
                        "settings": {"kind": "mini", "hidden": True, **theirs},
                    },
                ],
                "API": server.url,
                "PAGES": "https://pages",
            },
        }
        yield server

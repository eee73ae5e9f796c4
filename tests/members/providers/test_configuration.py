import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from members.providers.configuration import social_providers
from members.providers.outbound import ask

KEY = "-----BEGIN X-----\nAAAA\n-----END X-----"


def configured(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return social_providers(Env())


def test_without_apps_there_is_no_way_in_and_the_hosts_are_the_real_ones(monkeypatch):
    assert configured(monkeypatch) == {
        "wechat": {
            "APPS": [],
            "API": "https://api.weixin.qq.com",
            "PAGES": "https://open.weixin.qq.com",
        },
        "alipay": {
            "APPS": [],
            "API": "https://openapi.alipay.com",
            "PAGES": "https://openauth.alipay.com",
        },
    }


def test_apps_for_browsers_come_first_and_the_others_have_names(monkeypatch):
    apps = configured(
        monkeypatch, CRM_WECHAT_APPS="mini:wx1:s1,official:wx2:s2,web:wx3:s3"
    )["wechat"]["APPS"]
    assert [(a["client_id"], a["secret"], a.get("provider_id", "")) for a in apps] == [
        ("wx2", "s2", ""),
        ("wx3", "s3", "wechat-wx3"),
        ("wx1", "s1", "wechat-wx1"),
    ]
    assert [a["settings"].get("hidden", False) for a in apps] == [False, True, True]


def test_keys_may_be_text_one_line_or_files(monkeypatch, tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(KEY + "\n")
    app = configured(
        monkeypatch,
        CRM_ALIPAY_APPS="web:2021",
        CRM_ALIPAY_PRIVATE_KEY=str(file),
        CRM_ALIPAY_PUBLIC_KEY=KEY.replace("\n", "\\n"),
    )["alipay"]["APPS"][0]
    assert app["secret"] == app["settings"]["public_key"] == KEY
    assert app["settings"]["kind"] == "web"


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"CRM_WECHAT_APPS": "mini:wx1"}, "CRM_WECHAT_APPS"),
        ({"CRM_WECHAT_APPS": "mini::TOPSECRET"}, "CRM_WECHAT_APPS"),
        ({"CRM_WECHAT_APPS": "qq:wx1:TOPSECRET"}, "CRM_WECHAT_APPS"),
        ({"CRM_ALIPAY_APPS": "web:2021"}, "CRM_ALIPAY_PRIVATE_KEY"),
        (
            {
                "CRM_ALIPAY_APPS": "app:2021",
                "CRM_ALIPAY_PRIVATE_KEY": "TOPSECRET",
                "CRM_ALIPAY_PUBLIC_KEY": "x",
            },
            "CRM_ALIPAY_APPS",
        ),
    ],
)
def test_a_bad_value_stops_the_start_and_shows_no_secret(monkeypatch, variables, name):
    with pytest.raises(ImproperlyConfigured, match=name) as stopped:
        configured(monkeypatch, **variables)
    assert "TOPSECRET" not in str(stopped.value)


@pytest.mark.parametrize(
    "base",
    [
        "http://api.weixin.qq.com",
        "ftp://x",
        "api.weixin.qq.com",
        "https://",
        "file:///",
    ],
)
def test_only_https_leaves_this_machine(base):
    with pytest.raises(ImproperlyConfigured):
        ask(base, "/")

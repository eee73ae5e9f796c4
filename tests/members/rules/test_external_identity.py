from datetime import UTC, datetime

import pytest

from members.rules import alipay, wechat
from members.rules.alipay import request_parameters, signed_part, text_to_sign
from members.rules.external_identity import (
    EVERY_APP,
    Identity,
    Subject,
    tidy_nickname,
)
from members.rules.provider_answers import CodeRefused, ProviderBusy, ProviderFailed

METHOD = "alipay.system.oauth.token"
NODE = "alipay_system_oauth_token_response"


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "张", "a\n", "x" * 129, None, 7, b"x"]
)
def test_what_cannot_be_a_name_is_refused(value):
    with pytest.raises(ValueError, match="subject"):
        Subject("wx", value)


@pytest.mark.parametrize("value", ["o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "2088", "x" * 128])
def test_names_are_kept_as_they_are(value):
    assert Subject("wx", value).value == value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("张三", "张三"),
        (" a   b ", "a b"),
        ("a\u200db", "a\u200db"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\ud800", ""),
        ("\x07", ""),
        ("e\u0301", "é"),
        ("x" * 119 + " y", "x" * 119),
        (None, ""),
        (["x"], ""),
    ],
)
def test_a_nickname_becomes_a_name(text, name):
    assert tidy_nickname(text) == name


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errcode": 40029}, CodeRefused),
        ({"errcode": 40163}, CodeRefused),
        ({"errcode": 42003}, CodeRefused),
        ({"errcode": 45011}, ProviderBusy),
        ({"errcode": -1}, ProviderBusy),
        ({"errcode": 40125}, ProviderFailed),
        ({"errcode": "40029"}, ProviderFailed),
        ({"errcode": None}, ProviderFailed),
    ],
)
def test_errcodes_of_wechat(answer, error):
    with pytest.raises(error):
        wechat.refuse_error(answer)


def test_no_errcode_is_no_error():
    wechat.refuse_error({})
    wechat.refuse_error({"errcode": 0, "errmsg": "ok"})


def test_unionid_comes_with_the_proof_or_with_the_profile():
    names = (Subject("wx", "o"), Subject(EVERY_APP, "u"))
    by_proof = wechat.identity_of(app_id="wx", proof={"openid": "o", "unionid": "u"})
    by_profile = wechat.identity_of(
        app_id="wx",
        proof={"openid": "o"},
        profile={"openid": "o", "unionid": "u", "nickname": "N"},
    )
    assert by_proof == Identity("wechat", names, channel="wx")
    assert by_profile == Identity("wechat", names, channel="wx", nickname="N")


def test_the_text_to_sign_is_that_of_the_documentation():
    parameters = request_parameters(
        app_id="2014",
        method=METHOD,
        at=datetime(2026, 11, 20, 20, 0, 5, tzinfo=UTC),
        extra={"grant_type": "authorization_code", "code": "4b203fe6"},
    )
    assert text_to_sign({**parameters, "sign": "x", "app_auth_token": ""}) == (
        "app_id=2014&charset=utf-8&code=4b203fe6&format=JSON"
        "&grant_type=authorization_code&method=alipay.system.oauth.token"
        "&sign_type=RSA2&timestamp=2026-11-21 04:00:05&version=1.0"
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (f'{{"{NODE}":{{"a":1}},"sign":"S"}}', '{"a":1}'),
        (f'{{"{NODE}": {{"a": "}}"}} , "sign":"S"}}', '{"a": "}"}'),
        (
            f'{{"sign":"S","{NODE}":{{"a":"\\u5f20","b":{{}}}}}}',
            '{"a":"\\u5f20","b":{}}',
        ),
    ],
)
def test_the_signed_part_is_cut_out_as_it_was_sent(text, part):
    assert signed_part(text, METHOD) == (part, "S", False)


def test_an_error_has_a_node_of_its_own():
    text = '{"error_response":{"code":"40002"},"sign":"S"}'
    assert signed_part(text, METHOD) == ('{"code":"40002"}', "S", True)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "{}", "null", "7", '"x"', "[" * 50_000),
        f'{{"{NODE}":[],"sign":"S"}}',
        f'{{"{NODE}":{{"a":1}},"sign":7}}',
        f'{{"{NODE}":{{"a":1}},"{NODE}":{{"a":2}},"sign":"S"}}',
        f'{{"{NODE}":{{"a":1,"a":2}},"sign":"S"}}',
    ],
)
def test_an_answer_of_another_shape_is_refused(text):
    with pytest.raises(ProviderFailed):
        signed_part(text, METHOD)


def test_an_unsigned_answer_has_an_empty_signature():
    assert signed_part(f'{{"{NODE}":{{}}}}', METHOD) == ("{}", "", False)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"code": "40002", "sub_code": "isv.code-invalid"}, CodeRefused),
        ({"code": 20000, "sub_code": "isp.unknow-error"}, ProviderBusy),
        ({"code": "40002", "sub_code": "isv.invalid-signature"}, ProviderFailed),
        ({"code": "40002"}, ProviderFailed),
    ],
)
def test_sub_codes_of_alipay(answer, error):
    with pytest.raises(error):
        alipay.refuse_error(answer)


def test_only_letters_of_a_sub_code_reach_the_log():
    with pytest.raises(ProviderFailed) as failed:
        alipay.refuse_error({"code": "1", "sub_code": "a\nb 2088<x>" + "y" * 100})
    assert failed.value.detail == "sub_code ab2088x" + "y" * 53


def test_the_profile_must_be_of_the_same_person():
    with pytest.raises(ProviderFailed):
        alipay.identity_of(
            app_id="1", proof={"user_id": "2088"}, profile={"user_id": "2099"}
        )

"""What may be left of a name at WeChat or Alipay: nothing that can be read."""

import io
import logging

import pytest
from django.db import connection
from django.test import Client

from members.models import ExternalIdentity, Member, Session
from members.providers import base, outbound
from members.rules.external_identity import Identity, Subject
from tests.members.people import dump
from tests.members.providers.servers import Person
from tests.members.providers.signing_in import (
    ALIPAY_MINI,
    MINI,
    WEB,
    asked,
    bring,
    come_back,
    leave,
    session_of,
)

PERSON = Person(
    {WEB: "oCanaryWeb", MINI: "oCanaryMini", ALIPAY_MINI: "openCanary"},
    unionid="uCanaryUnion",
    user_id="2088777766665555",
    nickname="Canaria 张三",
)


def test_after_signing_in_and_linking_nothing_readable_is_kept_or_logged(
    db, wechat, alipay
):
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        browser = Client()
        _parts, query = asked(leave(browser, "wechat"))
        code = wechat.code(WEB, PERSON)
        come_back(browser, "wechat", WEB, code=code, state=query["state"])
        session = session_of(bring(wechat.code(MINI, PERSON), MINI))
        linked = bring(
            alipay.code(ALIPAY_MINI, PERSON),
            ALIPAY_MINI,
            provider="alipay",
            process="connect",
            session=session,
        )
        assert linked.status_code == 200, linked.content
        wechat.fault = "broken"
        bring(wechat.code(MINI, PERSON), MINI)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    assert ExternalIdentity.objects.count() == 5
    assert Member.objects.get().name == "Canaria 张三"
    tables = dump()
    for kept in Session.objects.all():
        tables[f"session {kept.pk}"] = kept.session_data.encode()
    tokens = [*wechat.tokens, *alipay.tokens, "HyVFkGl5F5OQWJZZaNzBBg"]
    secrets = [f"secret-of-{WEB}", f"secret-of-{MINI}", "REFRESH", "composeR"]
    canaries = [
        *PERSON.openids.values(),
        *(PERSON.unionid, PERSON.user_id, "Canaria", "张三"),
        *tokens,
        *secrets,
        *wechat.codes,
        *alipay.codes,
    ]
    for canary in canaries:
        for place, kept in {**tables, "logs": heard.getvalue().encode()}.items():
            assert canary.lower().encode() not in kept.lower(), (
                f"{canary} is readable in {place}"
            )


def test_names_do_not_show_themselves():
    subject = Subject("wx", "oCanary")
    shown = repr(Identity("wechat", (subject,), nickname="Canaria")) + str(subject)
    assert "anar" not in shown


@pytest.mark.django_db(transaction=True)
def test_providers_are_asked_outside_of_any_transaction(wechat, monkeypatch):
    inside = []

    def watched(*args, **kwargs):
        inside.append(connection.in_atomic_block)
        return outbound.ask(*args, **kwargs)

    monkeypatch.setattr("members.providers.wechat.ask", watched)
    assert bring(wechat.code(MINI, PERSON), MINI).status_code == 200
    browser = Client()
    _parts, query = asked(leave(browser, "wechat"))
    code = wechat.code(WEB, PERSON)
    come_back(browser, "wechat", WEB, code=code, state=query["state"])
    assert inside == [False, False, False]


def test_the_login_that_allauth_may_keep_holds_no_name(rf, settings):
    login = base.IdentityLogin(
        Identity("wechat", (Subject("wx", "oCanary"),), nickname="Canaria"),
        _Provider(),
    )
    assert "anar" not in str(login.serialize())


class _Provider:
    id = "wechat"

    def serialize(self):
        return {"id": self.id}

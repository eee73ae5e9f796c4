import threading
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from rest_framework.test import APIClient

from crm.shared.models import AuditEntry
from members.models import Member
from members.queries import email_is
from members.rules.identities import identity_id
from members.services.identities import LastWayIn, unlink_identity
from members.services.signing_in import WrongCode, sign_in_by_code
from tests.cast import NOON, make_member, make_user
from tests.members.api.codes import NUMBER, PHONE, last_code
from tests.members.api.signing_in import ADDRESS

ME = "/api/storefront/v1/me"
IDENTITIES = f"{ME}/identities"


def link(user, provider="weixin", uid="union-1"):
    SocialAccount.objects.create(user=user, provider=provider, uid=uid)
    return identity_id(provider, uid)


def me():
    return Member.objects.get(email_is(ADDRESS))


def test_members_see_how_they_sign_in(jing, eve):
    name = link(me().user)
    body = jing.get(IDENTITIES).json()
    assert [(each["id"], each["provider"]) for each in body["data"]] == [
        (name, "weixin")
    ]
    assert "union-1" not in str(body)
    assert (body["password"], body["passkeys"]) == (True, 0)
    assert (body["phone_verified_at"], body["email_verified_at"]) == (None, None)
    assert eve.get(IDENTITIES).json()["data"] == []


def test_an_account_is_unlinked(jing):
    name = link(me().user)
    assert jing.delete(f"{IDENTITIES}/{name}").status_code == 204
    assert not SocialAccount.objects.exists()
    entry = AuditEntry.objects.get(action="members.unlink_identity")
    assert entry.detail == {"provider": "weixin"}
    assert jing.delete(f"{IDENTITIES}/{name}").status_code == 404


def test_the_account_of_somebody_else_is_not_there(jing, eve):
    name = link(me().user)
    answer = eve.delete(f"{IDENTITIES}/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert SocialAccount.objects.exists()
    assert APIClient().delete(f"{IDENTITIES}/{name}").status_code == 401


def test_the_last_way_in_stays(db):
    user = make_user("o6_weixin")
    make_member(7, user=user)
    name = link(user)
    client = APIClient()
    client.force_authenticate(user)
    answer = client.delete(f"{IDENTITIES}/{name}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")
    assert SocialAccount.objects.exists()


def test_allauths_own_way_round_the_rule_is_closed(jing):
    link(me().user)
    path = "/_allauth/app/v1/account/providers"
    body = {"provider": "weixin", "account": "union-1"}
    assert jing.delete(path, body, format="json").status_code == 405
    assert SocialAccount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_unlink_the_last_two_at_once_one_is_refused():
    user = make_user("o6_weixin")
    make_member(7, user=user)
    names = [link(user), link(user, "alipay", "2088")]
    start = threading.Barrier(2)
    outcomes = []

    def attempt(name):
        try:
            start.wait()
            unlink_identity(user_id=user.pk, identity=name, now=NOON)
            outcomes.append("unlinked")
        except LastWayIn:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "unlinked"]
    assert SocialAccount.objects.count() == 1


# --- Proving the contacts of one's profile -------------------------------------


@pytest.fixture
def phone(jing, handset, monkeypatch):
    """Give Wang Jing a phone in her profile, and let the doors see noon."""
    moment = [NOON]
    monkeypatch.setattr("members.api.identities.now", lambda: moment[0])
    jing.patch(ME, {"phone": PHONE}, format="json")
    return moment


def ask(client, channel="sms"):
    return client.post(f"{ME}/contact-codes", {"channel": channel}, format="json")


def prove(client, code_id, code):
    body = {"id": code_id, "code": code}
    return client.post(f"{ME}/contact-proofs", body, format="json")


def test_a_member_proves_the_phone_of_their_profile(jing, phone, handset):
    asked = ask(jing)
    assert asked.status_code == 202, asked.content
    assert prove(jing, asked.json()["id"], last_code()).status_code == 204
    assert me().phone_verified_at == NOON
    assert [number for number, _text in handset] == [NUMBER]


def test_a_proof_is_bound_to_the_member(jing, eve, phone):
    asked = ask(jing).json()["id"]
    answer = prove(eve, asked, last_code())
    assert (answer.status_code, answer.json()["code"]) == (422, "incorrect_code")
    assert not Member.objects.filter(phone_verified_at__isnull=False).exists()


def test_a_proof_is_bound_to_the_number(jing, phone):
    asked = ask(jing).json()["id"]
    code = last_code()
    jing.patch(ME, {"phone": "13900001111"}, format="json")
    assert prove(jing, asked, code).status_code == 422
    assert me().phone_verified_at is None


def test_a_code_to_prove_does_not_sign_in(jing, phone, at):
    """Purposes do not mix: the row names the member, the sign-in asks for none."""
    asked = ask(jing).json()["id"]
    at(NOON)
    with pytest.raises(WrongCode):
        sign_in_by_code(
            code_id=asked, digits=last_code(), caller="", source="t", now=NOON
        )


def test_proving_is_counted_like_asking(jing, phone):
    assert ask(jing).status_code == 202
    answer = ask(jing)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_often")
    assert answer["Retry-After"]
    phone[0] = NOON + timedelta(minutes=1)
    assert ask(jing).status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"channel": "fax"}, 400, "validation_error"),
        ({"channel": "sms", "phone": "1"}, 400, "validation_error"),
        ({}, 400, "validation_error"),
        ({"channel": "sms"}, 409, "no_contact"),
    ],
)
def test_bad_requests_for_a_proof_are_refused(jing, body, status, code):
    answer = jing.post(f"{ME}/contact-codes", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert APIClient().post(f"{ME}/contact-codes", body).status_code == 401

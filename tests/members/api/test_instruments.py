import pytest
from rest_framework.test import APIClient

from members.models import (
    Member,
    PaymentInstrument,
    Verification,
    VerificationResult,
)
from members.verifiers.test import signed_verdict
from tests.cast import NOON

MINE = "/api/storefront/v1/me/payment-instruments"
CARD = {
    "verifier": "test",
    "kind": "card",
    "token": "tok_1NirD82eZvKYlo2C",
    "brand": "visa",
    "last_four": "1148",
}


def bind(client, **changes):
    return client.post(MINE, {**CARD, **changes}, format="json")


def test_an_instrument_is_bound_checked_and_removed(jing):
    answer = bind(jing)
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert row == {
        "id": PaymentInstrument.objects.get().public_id,
        "kind": "card",
        "verifier": "test",
        "brand": "visa",
        "last_four": "1148",
        "status": "unchecked",
        "checked_at": None,
        "bound_at": row["bound_at"],
    }
    assert "tok_" not in answer.content.decode()

    asked = jing.post(f"{MINE}/{row['id']}/verify")
    assert (asked.status_code, asked.json()["status"]) == (202, "pending")
    verdict = f"/api/instruments/test/{row['id']}/verdict"
    told = APIClient().post(verdict, {"outcome": "passed"})
    assert told.status_code == 200, told.content
    (listed,) = jing.get(MINE).json()["data"]
    assert listed["status"] == "passed"
    assert listed["checked_at"].endswith("Z")

    assert jing.delete(f"{MINE}/{row['id']}").status_code == 204
    assert jing.get(MINE).json() == {"data": []}
    assert jing.delete(f"{MINE}/{row['id']}").status_code == 404


def test_the_list_costs_the_same_for_one_and_for_many(
    jing, django_assert_max_num_queries
):
    for n in range(6):
        bind(jing, token=f"tok_{n}")
    # Session, login, member, and one for the list with its standings.
    with django_assert_max_num_queries(5):
        assert len(jing.get(MINE).json()["data"]) == 6


def test_others_see_and_touch_nothing(jing, eve):
    mine = bind(jing).json()["id"]
    assert eve.get(MINE).json() == {"data": []}
    assert eve.delete(f"{MINE}/{mine}").status_code == 404
    assert eve.post(f"{MINE}/{mine}/verify").status_code == 404
    stolen = bind(eve)
    assert (stolen.status_code, stolen.json()["code"]) == (
        409,
        "instrument_belongs_to_another",
    )
    assert not Verification.objects.exists()
    assert PaymentInstrument.objects.get().removed_at is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", MINE),
        ("post", MINE),
        ("delete", f"{MINE}/ins_1"),
        ("post", f"{MINE}/ins_1/verify"),
    ],
)
def test_strangers_are_told_to_sign_in(db, method, path):
    assert getattr(APIClient(), method)(path).status_code == 401


def test_a_card_number_is_refused_and_never_repeated(jing):
    pan = "4242424242424242"
    for field in ("token", "brand", "last_four", "kind", "verifier"):
        answer = bind(jing, **{field: pan})
        assert answer.status_code in {400, 422}, field
        assert pan not in answer.content.decode()
    answer = bind(jing, token=f"tok_{pan}")
    assert (answer.status_code, answer.json()["code"]) == (422, "card_data_refused")
    assert not PaymentInstrument.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({**CARD, "number": "1"}, 400),
        ({**CARD, "cvc": "123"}, 400),
        ({**CARD, "kind": "cash"}, 400),
        ({**CARD, "token": ""}, 400),
        ({**CARD, "token": None}, 400),
        ({**CARD, "token": ["x"]}, 400),
        ({**CARD, "verifier": "nobody"}, 422),
        ({**CARD, "last_four": "12"}, 422),
        ([], 400),
    ],
)
def test_bad_bodies_are_refused_and_nothing_is_kept(jing, body, status):
    assert jing.post(MINE, body, format="json").status_code == status
    assert not PaymentInstrument.objects.exists()


def test_a_frozen_member_sees_but_does_not_bind(jing):
    bind(jing)
    Member.objects.update(state="frozen")
    assert len(jing.get(MINE).json()["data"]) == 1
    answer = bind(jing, token="tok_2")
    assert (answer.status_code, answer.json()["code"]) == (409, "member_not_active")


def test_an_unknown_parameter_is_refused(jing):
    assert jing.get(f"{MINE}?all=1").json()["code"] == "unknown_parameter"


# --- Callbacks ----------------------------------------------------------------------


@pytest.fixture
def question(jing):
    jing.post(f"{MINE}/{bind(jing).json()['id']}/verify")
    return Verification.objects.get()


def deliver(body, headers, verifier="test"):
    return APIClient().post(
        f"/api/instruments/{verifier}/callbacks",
        body,
        content_type="application/json",
        headers=headers,
    )


def test_a_signed_message_is_taken_any_number_of_times(question):
    body, headers = signed_verdict(key=question.public_id, decided_at=NOON)
    for _again in range(3):
        answer = deliver(body, headers)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert VerificationResult.objects.count() == 1


def test_a_forged_message_is_refused(question):
    body, headers = signed_verdict(key=question.public_id, decided_at=NOON)
    for text, signed in (
        (body.replace(b"passed", b"failed"), headers),
        (body, {}),
        (b"", {}),
        (b"x" * 300_000, headers),
    ):
        assert deliver(text, signed).status_code in {403, 413}
    assert deliver(body, headers, verifier="nobody").status_code == 422
    assert not VerificationResult.objects.exists()


@pytest.mark.parametrize(
    ("instrument", "body", "status"),
    [
        ("ins_0", {"outcome": "passed"}, 404),
        (None, {"outcome": "perhaps"}, 400),
        (None, {}, 400),
        (None, {"outcome": "passed", "reference": "x"}, 400),
    ],
)
def test_the_test_verifier_says_yes_or_no(question, instrument, body, status):
    of = instrument or question.instrument.public_id
    answer = APIClient().post(f"/api/instruments/test/{of}/verdict", body)
    assert answer.status_code == status, answer.content
    assert not VerificationResult.objects.exists()


def test_the_test_verifier_is_not_there_in_a_production_shop(question, settings):
    settings.IS_PRODUCTION = True
    path = f"/api/instruments/test/{question.instrument.public_id}/verdict"
    assert APIClient().post(path, {"outcome": "passed"}).status_code == 422
    body, headers = signed_verdict(key=question.public_id, decided_at=NOON)
    assert deliver(body, headers).status_code == 422
    assert not VerificationResult.objects.exists()

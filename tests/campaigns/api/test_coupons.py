"""The storefront's coupons: rightly, wrongly, and by somebody else."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from campaigns.models import Coupon, CouponTemplate
from campaigns.services.issuing import issue_coupon
from campaigns.services.messaging import write_message
from campaigns.services.sending import send_due_messages
from crm.shared import clock
from tests.cast import put_in_state

API = "/api/storefront/v1"


def client_of(member=None) -> APIClient:
    client = APIClient()
    if member is not None:
        client.force_login(member.user)
    return client


@pytest.fixture
def claimable(template):
    CouponTemplate.objects.update(starts_at=clock.now() - timedelta(days=1))
    template.refresh_from_db()
    return template


def claim(client, template, key="k1"):
    return client.post(
        f"{API}/coupon-offers/{template.public_id}/claims",
        headers={"Idempotency-Key": key},
    )


def test_a_claimed_coupon_is_in_the_wallet(alice, claimable):
    client = client_of(alice)
    offer = client.get(f"{API}/coupon-offers").json()["data"][0]
    assert (offer["id"], offer["remaining"]) == (claimable.public_id, 2)
    assert offer["terms"]["amount"] == {"amount": "20.00", "currency": "CNY"}
    assert offer["terms"]["skips_discounted"] is False
    CouponTemplate.objects.update(skips_discounted=True)

    answer = claim(client, claimable)

    assert answer.status_code == 201
    coupon = answer.json()
    assert coupon["status"] == "available"
    assert coupon["name"] == "Twenty off"
    assert coupon["terms"] == {**offer["terms"], "skips_discounted": True}
    mine = client.get(f"{API}/me/coupons").json()["data"]
    assert [each["id"] for each in mine] == [coupon["id"]]
    assert client.get(f"{API}/me/coupons?status=used").json()["data"] == []


def test_x1_a_repeated_claim_is_answered_with_the_same_bytes(alice, claimable):
    client = client_of(alice)
    first, again = claim(client, claimable), claim(client, claimable)

    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Coupon.objects.count() == 1


def test_a_second_claim_is_refused_with_a_code(alice, claimable):
    client = client_of(alice)
    claim(client, claimable)
    answer = claim(client, claimable, key="k2")

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "coupon_member_limit"
    assert Coupon.objects.count() == 1


def test_a_claim_needs_its_key_and_a_known_offer(alice, claimable):
    client = client_of(alice)
    bare = client.post(f"{API}/coupon-offers/{claimable.public_id}/claims")
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")
    unknown = client.post(
        f"{API}/coupon-offers/cpt_NOBODY/claims", headers={"Idempotency-Key": "k"}
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "coupon_not_on_offer")
    assert not Coupon.objects.exists()


@pytest.mark.parametrize(
    ("query", "code"),
    [("?status=lost", "validation_error"), ("?state=used", "unknown_parameter")],
)
def test_a_wrong_filter_lists_nobody(query, code, alice):
    answer = client_of(alice).get(f"{API}/me/coupons{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_nobody_sees_anothers_coupons_or_messages(alice, mallory, claimable):
    issue_coupon(
        template_id=claimable.pk, member_id=alice.pk, source="x", now=clock.now()
    )
    write_message(
        member_id=alice.pk,
        channel="in_app",
        template="coupon_issued",
        context={"coupon": "a", "code": "b", "until": "c"},
        dedupe_key="k",
        now=clock.now(),
    )
    send_due_messages(now=clock.now())

    for path in ("me/coupons", "me/notifications"):
        assert len(client_of(alice).get(f"{API}/{path}").json()["data"]) == 1
        assert client_of(mallory).get(f"{API}/{path}").json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "me/coupons"),
        ("get", "me/notifications"),
        ("get", "coupon-offers"),
        ("post", "coupon-offers/cpt_X/claims"),
    ],
)
def test_without_credentials_the_answer_is_401(method, path, db):
    answer = getattr(client_of(), method)(f"{API}/{path}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "not_authenticated"


def test_c24_a_frozen_member_claims_nothing_and_gives_nothing(alice, claimable):
    CouponTemplate.objects.update(is_transferable=True)
    coupon = issue_coupon(
        template_id=claimable.pk, member_id=alice.pk, source="x", now=clock.now()
    )
    put_in_state(alice, "frozen")
    client = client_of(alice)
    gift = client.put(f"{API}/me/coupons/{coupon.public_id}/gift")
    for answer in (claim(client, claimable), gift):
        assert (answer.status_code, answer.json()["code"]) == (409, "member_not_active")
    assert Coupon.objects.get().is_offered is False


def test_a_coupon_expires_by_the_shops_clock(alice, claimable, monkeypatch):
    coupon = issue_coupon(
        template_id=claimable.pk, member_id=alice.pk, source="x", now=clock.now()
    )
    client = client_of(alice)
    monkeypatch.setattr(clock, "offset", lambda: timedelta(days=60))
    [told] = client.get(f"{API}/me/coupons?status=expired").json()["data"]
    assert (told["id"], told["status"]) == (coupon.public_id, "expired")


def test_an_expired_coupon_says_so(alice, claimable):
    claim(client_of(alice), claimable)
    Coupon.objects.update(expires_at=clock.now())
    [coupon] = client_of(alice).get(f"{API}/me/coupons?status=expired").json()["data"]
    assert coupon["status"] == "expired"
    assert client_of(alice).get(f"{API}/me/coupons").json()["data"] == []

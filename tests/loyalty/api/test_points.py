from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from crm.shared import clock
from loyalty.models import Currency
from loyalty.services.adjusting import grant_points
from loyalty.services.earning import earn_for_order
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.holding import hold_points
from tests.loyalty.books import paid_order, rule

ME = "/api/storefront/v1/me"


def of(member):
    client = APIClient()
    client.force_authenticate(member.user)
    return client


@pytest.fixture
def now(db):
    return clock.now()


@pytest.fixture
def order(alice, now):
    order = paid_order(alice, 60_000, at=now - timedelta(hours=1))
    earn_for_order(order_id=order.pk, now=now)
    return order


def test_a_member_sees_tier_and_progress(alice, order, now):
    answer = of(alice).get(f"{ME}/loyalty", headers={"accept-language": "en"})

    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["member_id"] == alice.public_id
    assert body["member_no"] == alice.number
    assert body["tier"]["since"]
    del body["tier"]["since"]
    assert body["tier"] == {
        "code": "silver",
        "name": "Silver",
        "valid_until": None,
        "multiplier": "1.20",
        "color": "#94a3b8",
    }
    assert body["progress"] == {
        "basis": "spend_lifetime",
        "current": {"amount": "600.00", "currency": "CNY"},
        "next_tier": {
            "code": "gold",
            "name": "Gold",
            "threshold": {"amount": "1000.00", "currency": "CNY"},
        },
        "remaining": {"amount": "400.00", "currency": "CNY"},
        "deadline": None,
    }
    assert body["retention"] == {
        "required": {"amount": "500.00", "currency": "CNY"},
        "met": True,
    }


def test_tier_names_follow_the_language(alice, order):
    answer = of(alice).get(f"{ME}/loyalty", headers={"accept-language": "zh-CN"})
    assert answer.json()["tier"]["name"] == "白银会员"


def test_a_member_without_orders_begins_at_the_bottom(bob):
    body = of(bob).get(f"{ME}/loyalty").json()
    assert body["tier"]["code"] == "member"
    assert body["progress"]["remaining"]["amount"] == "500.00"
    assert of(bob).get(f"{ME}/points").json() == {
        "available": 0,
        "pending": 0,
        "frozen": 0,
        "debt": 0,
        "expiring": [],
        "activating": [],
        "lifetime_earned": 0,
    }
    assert of(bob).get(f"{ME}/points/entries").json()["data"] == []


def test_a_member_sees_points_in_buckets(alice, order, now):
    hold_points(member_id=alice.pk, points=200, source="order:x", now=now)

    body = of(alice).get(f"{ME}/points").json()

    (expiring,) = body.pop("expiring")
    assert expiring["points"] == 400
    assert body == {
        "available": 400,
        "pending": 0,
        "activating": [],
        "frozen": 200,
        "debt": 0,
        "lifetime_earned": 600,
    }


def test_a_member_sees_why_so_many_are_available(
    alice, bob, order, now, django_assert_max_num_queries
):
    hold_points(member_id=alice.pk, points=200, source="order:x", now=now)

    with django_assert_max_num_queries(4):
        told = of(alice).get(f"{ME}/points/balance").json()

    parts = {"balance": 600, "reserved": 200, "available": 400}
    assert told == dict.fromkeys(told, 0) | parts
    assert not any(of(bob).get(f"{ME}/points/balance").json().values())


def test_entries_are_newest_first_and_paged(alice, order, now):
    grant_points(
        member_id=alice.pk,
        points=5,
        reason="for staff only",
        actor="dana",
        source="staff:secret",
        now=now,
    )
    client = of(alice)

    first = client.get(f"{ME}/points/entries?limit=1").json()
    second = client.get(
        f"{ME}/points/entries",
        {"limit": 1, "cursor": first["page"]["next_cursor"]},
    ).json()

    (grant,), (earned,) = first["data"], second["data"]
    assert (grant["kind"], grant["delta"], grant["balance_after"]) == ("grant", 5, 605)
    assert grant["source"] == {"type": "staff", "id": None}
    assert "for staff only" not in str(first)
    assert "secret" not in str(first)
    assert (earned["kind"], earned["delta"]) == ("earn", 600)
    assert earned["source"] == {"type": "order", "id": order.public_id}
    assert earned["id"].startswith("pte_")
    assert earned["expires_on"] and earned["available_at"]
    assert second["page"]["has_more"] is False


def test_entries_of_no_points_are_not_shown(alice, now):
    earn_for_order(order_id=paid_order(alice, 99, at=now).pk, now=now)
    assert of(alice).get(f"{ME}/points/entries").json()["data"] == []


def test_mallory_sees_only_her_own(mallory, order):
    assert of(mallory).get(f"{ME}/points/entries").json()["data"] == []
    assert of(mallory).get(f"{ME}/points").json()["available"] == 0


@pytest.mark.parametrize(
    "path", ["loyalty", "points", "points/balance", "points/entries"]
)
def test_strangers_and_typos_are_refused(alice, dana, path):
    assert APIClient().get(f"{ME}/{path}").status_code == 401
    staff = APIClient()
    staff.force_authenticate(dana)
    assert staff.get(f"{ME}/{path}").status_code == 403
    answer = of(alice).get(f"{ME}/{path}?membr=1")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert of(alice).post(f"{ME}/{path}", {}).status_code == 405


@pytest.mark.parametrize("cursor", ["x", "AAAA", ""])
def test_a_bad_cursor_is_refused(alice, cursor):
    answer = of(alice).get(f"{ME}/points/entries", {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


def test_lists_cost_a_fixed_number_of_statements(
    alice, now, django_assert_max_num_queries
):
    for number in range(12):
        grant_points(
            member_id=alice.pk,
            points=5,
            reason="many",
            actor="dana",
            source=f"staff:{number}",
            now=now,
        )
    client = of(alice)
    for path, most in [("loyalty", 4), ("points", 3), ("points/entries", 2)]:
        with django_assert_max_num_queries(most):
            assert client.get(f"{ME}/{path}").status_code == 200


def test_a_member_sees_what_they_gathered_of_counted_currencies(alice, bob, now):
    Currency.objects.create(
        code="stars", name="星星", name_en="Stars", unit="颗", unit_en="stars"
    )
    rule("star", occasion="survey", points=2, currency_id="stars")
    happening = Happening(member_id=alice.pk, source="survey:1")
    grant_for_event(occasion="survey", happening=happening, now=now)
    told = {"code": "stars", "name": "Stars", "unit": "stars", "this_year_only": False}
    for member, value in ((alice, 2), (bob, 0)):
        answer = of(member).get(f"{ME}/loyalty", headers={"accept-language": "en"})
        assert answer.json()["currencies"] == [{**told, "value": value}]

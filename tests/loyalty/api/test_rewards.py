"""Rewards and benefits as a storefront meets them."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from crm.shared import clock
from loyalty.models import RewardRedemption
from loyalty.queries.savings import saved_by_source
from loyalty.services.using_benefits import return_use, use_benefit
from orders.models import Allocation, OrderLine
from tests.cast import NOON, make_variant
from tests.loyalty.books import account_of, paid_order
from tests.loyalty.catalogue import (
    give,
    make_address,
    make_benefit,
    make_reward,
    make_seats,
    put_in_tier,
)

pytestmark = pytest.mark.django_db
SHOP = "/api/storefront/v1"


def of(member):
    client = APIClient()
    client.force_authenticate(member.user)
    return client


def redeem(member, reward, key="one", **body):
    return of(member).post(
        f"{SHOP}/rewards/{reward.public_id}/redemptions",
        {"expected_points": 500, **body},
        format="json",
        headers={"Idempotency-Key": key},
    )


def test_the_catalogue_shows_the_callers_own_prices(alice):
    reward = make_reward(1_000, stock=3, refundable_days=7)
    reward.prices.create(position=1, audience="tier:gold", points=800)
    put_in_tier(alice, "gold")
    client = of(alice)

    (shown,) = client.get(f"{SHOP}/rewards", headers={"accept-language": "en"}).json()

    assert shown == {
        "id": reward.public_id,
        "kind": "donation",
        "name": "Good cause",
        "description": "",
        "points": 800,
        "points_usually": 1_000,
        "price": None,
        "value": {"amount": "10.00", "currency": "CNY"},
        "needs_address": False,
        "left": 3,
        "per_member": None,
        "refundable_days": 7,
        "starts_at": NOON.isoformat().replace("+00:00", "Z"),
        "ends_at": None,
        "begins_at": None,
        "over_at": None,
        "place": "",
        "picture": None,
    }
    one = client.get(
        f"{SHOP}/rewards/{reward.public_id}", headers={"accept-language": "en"}
    )
    assert one.json() == shown
    assert client.get(f"{SHOP}/rewards/rwd_nosuch").status_code == 404


def test_x1_a_redemption_sent_again_is_the_first_one(alice):
    give(alice, 1_000)
    reward = make_reward(500, refundable_days=7)

    first, again = redeem(alice, reward), redeem(alice, reward)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert account_of(alice).balance == 500
    assert redeem(alice, reward, expected_points=1).status_code == 422
    other = redeem(alice, reward, key="two")
    assert other.json()["id"] != first.json()["id"]


def test_refusals_name_their_code(alice):
    reward = make_reward(500)
    goods = make_reward(500, kind="goods", variant=make_variant("MUG", 1, on_hand=1))
    for answer, status, code in (
        (redeem(alice, reward), 409, "insufficient_points"),
        (redeem(alice, reward, "b", expected_points=9), 409, "reward_price_changed"),
        (redeem(alice, goods, "c"), 422, "address_needed"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not RewardRedemption.objects.exists()


def test_what_was_taken_is_listed_and_given_back(alice, mallory):
    give(alice, 500)
    make_address(alice)
    variant = make_variant("MUG", 3_000, on_hand=1)
    reward = make_reward(500, kind="goods", variant=variant, refundable_days=7)
    taken = redeem(alice, reward).json()
    assert (taken["state"], taken["may_be_given_back"]) == ("requested", True)

    (row,) = of(alice).get(f"{SHOP}/me/redemptions").json()["data"]
    assert row["id"] == taken["id"]
    there = f"{SHOP}/me/redemptions/{taken['id']}/cancellation"
    assert of(mallory).post(there).status_code == 404
    assert of(alice).post(there).json()["state"] == "cancelled"
    assert of(alice).post(there).status_code == 200
    entries = of(alice).get(f"{SHOP}/me/points/entries").json()["data"]
    assert entries[0]["source"] == {"type": "reward", "id": taken["id"]}


def test_a_seat_tells_when_and_where_and_its_ticket_only_to_its_owner(alice, mallory):
    give(alice, 500)
    begins = clock.now() + timedelta(days=2)
    reward = make_seats(500, begins_at=begins, stock=1, refundable_days=30)
    written = begins.isoformat().replace("+00:00", "Z")

    (shown,) = of(alice).get(f"{SHOP}/rewards").json()
    taken = redeem(alice, reward).json()

    assert (shown["begins_at"], shown["left"]) == (written, 1)
    assert shown["over_at"] is None
    assert shown["place"] in ("文三路店", "Wensan Road shop")
    assert taken["begins_at"] == taken["refundable_until"] == written
    assert taken["place"] == shown["place"]
    assert (taken["state"], taken["admitted_at"]) == ("fulfilled", None)
    ticket = taken["ticket"]
    assert ticket == RewardRedemption.objects.get().ticket
    (mine,) = of(alice).get(f"{SHOP}/me/redemptions").json()["data"]
    assert mine["ticket"] == ticket
    for address in ("rewards", "me/redemptions", f"rewards/{reward.public_id}"):
        answer = of(mallory).get(f"{SHOP}/{address}")
        assert ticket not in answer.content.decode()


def test_points_and_money_are_ordered_and_paid(alice):
    give(alice, 1_000)
    make_address(alice)
    variant = make_variant("MUG", 3_000, on_hand=1)
    reward = make_reward(500, kind="goods", variant=variant, price_minor=990)
    price = {"amount": "9.90", "currency": "CNY"}
    (shown,) = of(alice).get(f"{SHOP}/rewards").json()
    assert (shown["points"], shown["price"]) == (500, price)

    unseen = redeem(alice, reward)
    assert (unseen.status_code, unseen.json()["code"]) == (409, "reward_price_changed")
    assert unseen.json()["params"] == {"points": 500, "price": "¥9.90"}
    poor = redeem(alice, reward, "two", expected_price=price, pay_with="wallet")
    assert (poor.status_code, poor.json()["code"]) == (409, "not_enough_in_wallet")
    other = redeem(alice, reward, "three", expected_price=price, pay_with="card")
    assert other.status_code == 400
    assert not RewardRedemption.objects.exists()

    first = redeem(alice, reward, "four", expected_price=price)
    again = redeem(alice, reward, "four", expected_price=price)

    assert first.status_code == 201
    assert first.json() == again.json()
    told = first.json()
    assert (told["state"], told["points"], told["price"]) == ("unpaid", 500, price)
    assert told["may_be_given_back"] is True
    order = of(alice).get(f"{SHOP}/me/orders/{told['order']}").json()
    assert (order["totals"]["total"], order["points_spent"]) == (price, 500)
    paying = of(alice).post(
        f"{SHOP}/orders/{told['order']}/payments",
        {"provider": "test"},
        format="json",
        headers={"Idempotency-Key": "pay"},
    )
    assert paying.status_code in (200, 201), paying.json()
    (row,) = of(alice).get(f"{SHOP}/me/redemptions").json()["data"]
    assert row == told


def test_benefits_say_what_is_left_and_until_when(alice):
    make_benefit("freight", {"audience": "tier:gold", "quota": 4}, {"quota": 1})
    make_benefit("plus", {"audience": "plan:plus"})
    put_in_tier(alice, "gold")
    now = clock.now()
    use_benefit(benefit="freight", member_id=alice.pk, source="order:1", now=now)

    (shown,) = of(alice).get(f"{SHOP}/me/benefits").json()

    assert (shown["code"], shown["used"], shown["left"]) == ("freight", 1, 3)
    assert shown["because"] == ["tier:gold"]
    assert shown["until"] >= now.date().isoformat()


# --- Savings ------------------------------------------------------------------


def discounted(member, net_minor, off, *, quantity=1, kind="promotion"):
    order = paid_order(
        member, net_minor, discount_minor=off, quantity=quantity, at=NOON
    )
    line = order.lines.get()
    Allocation.objects.create(
        line=line, source_kind=kind, source_id="x", source_name="x", amount_minor=off
    )
    return line


def test_savings_are_the_allocations_and_benefit_uses_that_stand(alice, bob):
    discounted(alice, 9_000, 1_000)
    half = discounted(alice, 8_000, 2_000, quantity=2, kind="coupon")
    OrderLine.objects.filter(pk=half.pk).update(refunded_quantity=1)
    gone = discounted(alice, 1_000, 500)
    gone.order.state = "refunded"
    gone.order.save(update_fields=["state"])
    discounted(bob, 9_000, 7_000)
    make_benefit("freight", {})
    for number in range(2):
        use = use_benefit(
            benefit="freight",
            member_id=alice.pk,
            source=f"order:{number}",
            saved_minor=800,
            now=NOON,
        )
    return_use(benefit_use=use.public_id, now=NOON)

    body = of(alice).get(f"{SHOP}/me/savings?since=2026-11-21&until=2026-11-21").json()

    assert body["total"] == {"amount": "28.00", "currency": "CNY"}
    assert [(s["source"], s["amount"]["amount"]) for s in body["by_source"]] == [
        ("coupon", "10.00"),
        ("promotion", "10.00"),
        ("benefit:freight", "8.00"),
    ]
    empty = of(alice).get(f"{SHOP}/me/savings?since=2026-11-22&until=2026-11-22")
    assert empty.json()["by_source"] == []
    wrong = of(alice).get(f"{SHOP}/me/savings?since=2026-11-22&until=2026-11-21")
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    "asked", ["since=0001-01-01", "until=0001-01-01", "until=9999-12-31"]
)
def test_savings_of_the_ends_of_calendars_are_refused(alice, asked):
    answer = of(alice).get(f"{SHOP}/me/savings?{asked}")
    assert answer.status_code == 400


def test_savings_are_one_statement(alice, django_assert_num_queries):
    with django_assert_num_queries(1):
        saved_by_source(member_id=alice.pk, since=NOON, until=NOON + timedelta(days=1))

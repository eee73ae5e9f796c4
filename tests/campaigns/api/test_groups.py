"""Group buying in the storefront: rightly, wrongly, by nobody and by somebody else."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from campaigns.models import Group, GroupDeal, Seat
from crm.shared import clock
from crm.shared.outbox import drain
from members.services.addressing import add_address
from orders.models import Order
from tests.campaigns.groups import LADDER, make_deal, paid_seat, people
from tests.orders.shop import pay

API = "/api/storefront/v1"
HOME = {"recipient": "王静", "street": "文三路 1 号", "province": "浙江省"}

pytestmark = pytest.mark.django_db


def client_of(member=None) -> APIClient:
    client = APIClient()
    if member is not None:
        client.force_login(member.user)
    return client


@pytest.fixture
def deal():
    return make_deal(rungs=LADDER, stock=50)


@pytest.fixture
def group(deal, alice) -> Group:
    return paid_seat(deal=deal, member_id=alice.pk, now=clock.now()).group


def post(member, path, body=None, key="k1"):
    return client_of(member).post(
        f"{API}/{path}",
        {} if body is None else body,
        format="json",
        headers={"Idempotency-Key": key},
    )


def test_a_visitor_sees_deals_and_groups_with_a_masked_leader(deal, group):
    (shown,) = client_of().get(f"{API}/group-buys").json()["data"]
    assert shown["id"] == deal.public_id
    assert shown["name"] == "Tea for three"
    assert shown["list_price"]["amount"] == "100.00"
    assert [step["price"]["amount"] for step in shown["steps"]] == ["80.00", "60.01"]
    assert [step["members"] for step in shown["steps"]] == [3, 5]
    assert shown["remaining"] == 49
    (open_one,) = client_of().get(f"{API}/group-buys/{deal.public_id}").json()["groups"]
    assert (open_one["id"], open_one["leader"]) == (group.public_id, "A***")
    assert (open_one["seats"], open_one["paid"], open_one["seats_left"]) == (5, 1, 4)
    linked = client_of().get(f"{API}/groups/{group.public_id}").json()
    assert linked["deal"] == {"id": deal.public_id, "name": "Tea for three"}
    assert (linked["status"], linked["price"]) == ("open", None)
    assert "Alice" not in str(linked)


def test_g16_a_deal_says_what_its_leaders_get(deal, template):
    shown = client_of().get(f"{API}/group-buys/{deal.public_id}").json()
    assert shown["leader_reward"] is None
    GroupDeal.objects.update(leader_points=300, leader_shares=True)
    shown = client_of().get(f"{API}/group-buys/{deal.public_id}").json()
    assert shown["leader_reward"] == {
        "points": 300,
        "coupon": None,
        "waits": True,
        "shares": True,
        "keeps": False,
    }
    GroupDeal.objects.update(leader_coupon=template)
    (shown,) = client_of().get(f"{API}/group-buys").json()["data"]
    assert shown["leader_reward"]["coupon"] == "Twenty off"


def test_opening_answers_the_order_to_pay_and_shows_nothing_yet(deal, alice):
    answer = post(alice, f"group-buys/{deal.public_id}/groups")
    assert answer.status_code == 201
    seat, order = answer.json(), Order.objects.get()
    assert (seat["status"], seat["is_leader"]) == ("held", True)
    assert seat["price"] == {"amount": "80.00", "currency": "CNY"}
    assert seat["order"]["id"] == order.public_id
    assert (seat["order"]["status"], order.member_id) == ("pending", alice.pk)
    hidden = f"{API}/groups/{seat['group']['id']}"
    assert client_of().get(hidden).status_code == 404
    assert client_of().get(f"{API}/group-buys/{deal.public_id}").json()["groups"] == []
    pay(order, now=clock.now())
    drain(now=clock.now())
    assert client_of().get(hidden).json()["paid"] == 1
    mine = client_of(alice).get(f"{API}/me/orders/{order.public_id}").json()
    assert (mine["status"], mine["waits_for"], mine["paid_at"]) == (
        "paid",
        "group",
        None,
    )
    to_ship = client_of(alice).get(f"{API}/me/orders?group=to_ship").json()["data"]
    assert to_ship == []


def test_x1_opening_again_with_the_same_key_is_one_group(deal, alice):
    first = post(alice, f"group-buys/{deal.public_id}/groups")
    again = post(alice, f"group-buys/{deal.public_id}/groups")
    assert again.content == first.content
    assert Group.objects.count() == Order.objects.count() == 1


def test_joining_with_an_address_of_ones_own_or_none(group, bob, mallory):
    mine = add_address(
        member_id=bob.pk,
        lines=HOME | {"country": "CN"},
        is_default=True,
        now=clock.now(),
    )
    path = f"groups/{group.public_id}/seats"
    stolen = post(mallory, path, {"address": mine.public_id})
    assert (stolen.status_code, Seat.objects.count()) == (404, 1)
    assert post(bob, path, {"address": mine.public_id}).status_code == 201
    assert post(mallory, path, key="k2").status_code == 201
    assert [o.region for o in Order.objects.order_by("pk")] == ["", "浙江省", ""]
    group.refresh_from_db()
    assert (group.held, group.paid) == (2, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"seats": 2}, 400),
        ({"address": "adr_x", "street": "文三路 1 号"}, 400),
        ({"address": "a" * 41}, 400),
        ({"address": None}, 400),
        ({"address": "adr_nobody"}, 404),
        ([], 400),
    ],
)
def test_a_wrong_body_takes_no_seat(group, bob, body, status):
    answer = post(bob, f"groups/{group.public_id}/seats", body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (Seat.objects.count(), Order.objects.count()) == (1, 1)


def test_refusals_have_their_codes(deal, group, alice, bob):
    path = f"groups/{group.public_id}/seats"
    twice = post(alice, path)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_in_group")
    Group.objects.update(size=1)
    full = post(bob, path)
    assert (full.status_code, full.json()["code"]) == (409, "group_full")
    GroupDeal.objects.update(state="paused")
    off = post(bob, f"group-buys/{deal.public_id}/groups")
    assert (off.status_code, off.json()["code"]) == (409, "group_deal_not_on")
    assert client_of().get(f"{API}/group-buys/{deal.public_id}").status_code == 404
    assert post(bob, "groups/grp_none/seats").status_code == 404


def test_only_ones_own_seat_can_be_left(group, alice, mallory):
    path = f"{API}/groups/{group.public_id}/seats/mine"
    assert client_of(mallory).delete(path).status_code == 404
    assert client_of().delete(path).status_code == 401
    answer = client_of(alice).delete(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "left")
    assert answer.json()["group"]["status"] == "closed"
    assert client_of(alice).delete(path).status_code == 404


def test_nobody_leaves_after_success(alice):
    deal = make_deal(rungs=((2, 8_000),))
    group = paid_seat(deal=deal, member_id=alice.pk, now=clock.now()).group
    (other,) = people(1)
    paid_seat(group=group, member_id=other, now=clock.now())
    answer = client_of(alice).delete(f"{API}/groups/{group.public_id}/seats/mine")
    assert (answer.status_code, answer.json()["code"]) == (409, "group_over")
    shown = client_of().get(f"{API}/groups/{group.public_id}").json()
    assert (shown["status"], shown["price"]["amount"]) == ("succeeded", "80.00")


def test_my_groups_are_mine(group, alice, mallory):
    (mine,) = client_of(alice).get(f"{API}/me/groups").json()["data"]
    assert mine["group"]["id"] == group.public_id
    assert mine["group"]["seats_left"] == 4
    assert client_of(mallory).get(f"{API}/me/groups").json()["data"] == []
    assert client_of().get(f"{API}/me/groups").status_code == 401
    assert client_of().get(f"{API}/group-buys?sort=x").status_code == 400


def test_lists_ask_as_often_for_many_as_for_one(
    deal, alice, django_assert_max_num_queries
):
    GroupDeal.objects.update(one_open_group=False)
    for _number in range(3):
        paid_seat(deal=deal, member_id=alice.pk, now=clock.now())
        make_deal(rungs=LADDER, leader_points=5)
    client = client_of(alice)
    with django_assert_max_num_queries(6):
        assert len(client.get(f"{API}/me/groups").json()["data"]) == 3
    with django_assert_max_num_queries(4):
        assert len(client_of().get(f"{API}/group-buys").json()["data"]) == 4
    with django_assert_max_num_queries(6):
        shown = client_of().get(f"{API}/group-buys/{deal.public_id}").json()
    assert len(shown["groups"]) == 3
    late = timedelta(days=2)
    Group.objects.update(deadline_at=clock.now() - late)
    assert client_of().get(f"{API}/group-buys/{deal.public_id}").json()["groups"] == []

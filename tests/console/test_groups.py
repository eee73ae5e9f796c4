"""Group deals and groups in the console: who sees them, and who decides."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse

from campaigns.models import Group, GroupDeal, Seat
from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from crm.shared.outbox import drain
from orders.models import Order
from tests.campaigns.groups import LADDER, make_deal, open_with

SEES = {"support", "marketer", "loyalty manager", "analyst", "auditor", "owner"}
COMPLETES = {"marketer", "owner"}
TAKES_OUT = {"support", "owner"}


@pytest.fixture
def seats(shop) -> list[Seat]:
    return open_with(make_deal(), 2, now=now())


def page_of(group: Group) -> str:
    return reverse("admin:campaigns_group_change", args=[group.pk])


def step_of(group: Group) -> str:
    return reverse("admin:group_step", args=[group.pk])


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_sees_and_completes_a_group(signed_in, seats, role):
    client, group = signed_in(role), seats[0].group
    status = client.get(page_of(group)).status_code
    assert status == (200 if role in SEES else 403)
    done = client.post(step_of(group), {"step": "complete", "reason": "enough"})
    group.refresh_from_db()
    if role in COMPLETES:
        assert (done.status_code, group.state) == (302, "succeeded")
        assert group.completed_by_shop
        page = client.get(page_of(group)).content.decode()
        assert "completed by the shop" in page
    else:
        assert (done.status_code, group.state) == (403, "open")


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_takes_a_member_out(signed_in, seats, role):
    client, seat = signed_in(role), seats[1]
    body = {"step": "take_out", "seat": seat.public_id, "reason": "asked by phone"}
    done = client.post(step_of(seat.group), body)
    seat.refresh_from_db()
    if role not in TAKES_OUT:
        assert (done.status_code, seat.state) == (403, "paid")
        return
    assert (done.status_code, seat.state) == (302, "left")
    entry = AuditEntry.objects.get(action="groups.take_out")
    assert (entry.reason, entry.object_id) == ("asked by phone", seat.public_id)
    drain(now=now())
    order = Order.objects.get(pk=seat.order_id)
    assert order.refunded_minor == order.total_minor


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"step": "complete", "reason": "no"}, 200),
        ({"step": "complete"}, 200),
        ({"step": "take_out", "seat": "seat_x", "reason": "some reason"}, 404),
        ({"step": "dissolve", "reason": "some reason"}, 403),
        ({}, 403),
    ],
)
def test_what_is_not_said_properly_changes_nothing(signed_in, seats, body, status):
    client, group = signed_in("admin"), seats[0].group
    assert client.post(step_of(group), body).status_code == status
    assert client.get(step_of(group)).status_code == 405
    group.refresh_from_db()
    assert (group.state, group.paid) == ("open", 2)


def test_a_group_is_completed_once(signed_in, seats):
    client, group = signed_in("marketer"), seats[0].group
    client.post(step_of(group), {"step": "complete", "reason": "enough"})
    again = client.post(step_of(group), {"step": "complete", "reason": "enough"})
    assert "not open" in again.content.decode()
    assert AuditEntry.objects.filter(action="groups.complete").count() == 1


def test_the_page_shows_seats_and_costs_the_same_for_more(
    signed_in, shop, django_assert_max_num_queries
):
    client = signed_in("admin")
    seats = open_with(make_deal(rungs=((9, 5_000),)), 6, now=now())
    client.get(page_of(seats[0].group))
    with django_assert_max_num_queries(12):
        page = client.get(page_of(seats[0].group)).content.decode()
    assert "6 of 9 paid" in page
    assert all(seat.member.number in page for seat in seats)
    listed = client.get(reverse("admin:campaigns_group_changelist")).content.decode()
    assert "6 of 9 paid" in listed


# --- The form of a deal -------------------------------------------------------


def form_of(*steps: tuple[str, str], **fields) -> dict:
    body = {
        "name": "三人团",
        "name_en": "Tea for three",
        "state": "live",
        "sku": "MP-1",
        "hours": "24",
        "starts_at_0": "2026-11-01",
        "starts_at_1": "00:00:00",
        "one_open_group": "on",
        "rungs-TOTAL_FORMS": str(len(steps)),
        "rungs-INITIAL_FORMS": "0",
        **fields,
    }
    for number, (size, price) in enumerate(steps):
        body |= {f"rungs-{number}-size": size, f"rungs-{number}-price": price}
    return body


def test_a_marketer_writes_a_ladder_as_rows(signed_in, shop):
    client = signed_in("marketer")
    add = reverse("admin:campaigns_groupdeal_add")
    GroupDeal.objects.all().update(state="draft")
    answer = client.post(add, form_of(("10", "60.00"), ("3", "80")))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    deal = GroupDeal.objects.latest("pk")
    assert deal.variant.sku == "MP-1"
    rungs = list(deal.rungs.values_list("size", "price_minor"))
    assert rungs == [(3, 8_000), (10, 6_000)]
    page = client.get(reverse("admin:campaigns_groupdeal_change", args=[deal.pk]))
    said = page.content.decode()
    assert "3 members pay ¥80.00 each. 10 members pay ¥60.00 each." in said
    assert "A group has 24 hours to come together." in said
    assert AuditEntry.objects.filter(action="campaigns.groupdeal.add").count() == 1


@pytest.mark.parametrize(
    ("steps", "fields"),
    [
        ([], {}),
        ([("1", "80")], {}),
        ([("3", "0")], {}),
        ([("3", "eighty")], {}),
        ([("3", "80"), ("5", "80")], {}),
        ([("3", "80"), ("5", "90")], {}),
        ([("3", "80"), ("3", "70")], {}),
        ([("3", "80")], {"sku": "NOSUCH"}),
        ([("3", "80")], {"hours": "0"}),
        (
            [("3", "80")],
            {"ends_at_0": "2026-10-01", "ends_at_1": "00:00:00"},
        ),
    ],
)
def test_a_deal_nobody_can_mean_is_refused(signed_in, shop, steps, fields):
    client, before = signed_in("marketer"), GroupDeal.objects.count()
    add = reverse("admin:campaigns_groupdeal_add")
    answer = client.post(add, form_of(*steps, **fields))
    assert answer.status_code == 200
    assert GroupDeal.objects.count() == before


def test_g16_a_marketer_promises_leaders_something(signed_in, shop):
    client = signed_in("marketer")
    fields = {"leader_points": "250", "leader_coupon": shop["template"].pk}
    add = reverse("admin:campaigns_groupdeal_add")
    answer = client.post(add, form_of(("3", "80"), **fields))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    deal = GroupDeal.objects.latest("pk")
    promise = {"points": 250, "coupon": shop["template"].pk, "keeps": False}
    at_once = {"waits": False, "shares": False, "seats": 3}
    assert deal.leader_reward == promise | at_once
    change = reverse("admin:campaigns_groupdeal_change", args=[deal.pk])
    page = client.get(change).content.decode()
    assert "It comes at once. It is gone when fewer seats stay" in page


def test_g16_a_new_deal_rewards_after_the_time_for_returns(signed_in):
    page = signed_in("marketer").get(reverse("admin:campaigns_groupdeal_add"))
    assert page.context["adminform"].form["leader_waits"].initial is True


@pytest.mark.parametrize(
    ("state", "awaits", "said"),
    [
        ("open", False, "300 points"),
        ("succeeded", True, "300 points · waits till no goods can be sent back"),
        ("succeeded", False, "300 points · given for the seats that stay"),
    ],
)
def test_g16_the_page_says_what_comes_of_the_reward(
    signed_in, shop, state, awaits, said
):
    deal = make_deal(leader_points=300)
    group = open_with(deal, 1, now=now())[0].group
    Group.objects.filter(pk=group.pk).update(
        state=state,
        awaits_reward=awaits,
        price_minor=8_000 if state == "succeeded" else None,
    )
    page = signed_in("marketer").get(page_of(group)).content.decode()
    assert f"{said}</dd>" in page


def test_saving_a_deal_does_not_forget_seats_taken_meanwhile(rf, shop):
    deal = make_deal(stock=10)
    page = admin.site._registry[GroupDeal]
    request = rf.post("/")
    request.user = shop["users"]["marketer"]
    form = page.get_form(request, deal, change=True)(instance=deal)
    GroupDeal.objects.filter(pk=deal.pk).update(taken=4)
    form.instance.stock = 9
    page.save_model(request, form.instance, form, change=True)
    deal.refresh_from_db()
    assert (deal.stock, deal.taken) == (9, 4)


def test_the_order_of_a_seat_says_that_it_waits(signed_in, seats):
    order = reverse("admin:orders_order_change", args=[seats[0].order_id])
    page = signed_in("support").get(order).content.decode()
    assert "It waits for its group" in page
    assert page_of(seats[0].group) in page
    assert reverse("admin:order_ship", args=[seats[0].order_id]) not in page
    assert reverse("admin:order_refund", args=[seats[0].order_id]) not in page
    listed = reverse("admin:orders_order_changelist") + "?view=to_ship"
    to_ship = signed_in("support").get(listed).content.decode()
    assert seats[0].order.number not in to_ship


def test_changing_a_deal_leaves_open_groups_alone(signed_in, shop):
    deal = make_deal(rungs=LADDER, starts_at=now() - timedelta(days=1))
    group = open_with(deal, 1, now=now())[0].group
    deal.rungs.filter(size=5).delete()
    deal.rungs.update(price_minor=9_000)
    group.refresh_from_db()
    assert (group.size, group.rungs) == (5, [[3, 8_000], [5, 6_001]])

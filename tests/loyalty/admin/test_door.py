"""Seats in the catalogue of staff, and the door: who may open it, and what it says."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from crm.shared import clock
from crm.shared.models import AuditEntry
from loyalty.admin.reward import words_of_reward
from loyalty.models import Reward, RewardRedemption
from tests.loyalty.books import rule
from tests.loyalty.catalogue import give, make_seats, redeem
from tests.staff import client_in_role
from tests.tables import digest

pytestmark = pytest.mark.django_db
DOOR = "/admin/loyalty/rewardredemption/door/"
LISTED = "/admin/loyalty/rewardredemption/"
EN = {"accept-language": "en"}


@pytest.fixture
def seat(alice):
    """Return a seat of Alice's at an occasion that begins in a minute."""
    give(alice, 500)
    begins = clock.now() + timedelta(minutes=1)
    return redeem(alice, make_seats(500, begins_at=begins), now=clock.now())


def page_of(seat) -> str:
    return reverse("admin:loyalty_rewardredemption_change", args=[seat.pk])


def seat_form(**changes) -> dict:
    form = {
        "name": "品鉴会",
        "name_en": "Tasting",
        "kind": "seat",
        "points": 400,
        "seat_at_0": "2031-11-30",
        "seat_at_1": "19:30",
        "place": "文三路店",
        "place_en": "Wensan Road shop",
        "starts_at_0": "2026-11-01",
        "starts_at_1": "00:00",
        "stock": 20,
        "refundable_days": 7,
        "due_days": 3,
        "is_active": "on",
        "prices-TOTAL_FORMS": 0,
        "prices-INITIAL_FORMS": 0,
    }
    return form | changes


def test_a_seat_is_made_in_the_shops_zone_and_told_in_words(db):
    client = client_in_role("loyalty manager")
    url = reverse("admin:loyalty_reward_add")
    missing = client.post(url, seat_form(seat_at_0="", seat_at_1=""))
    assert "seat_at" in missing.context["adminform"].form.errors

    answer = client.post(url, seat_form())

    assert answer.status_code == 302, answer.context["errors"]
    reward = Reward.objects.get()
    assert reward.seat_at.isoformat() == "2031-11-30T11:30:00+00:00"
    words = words_of_reward(reward)
    assert "Asia/Shanghai" in words
    assert reward.where in words


def test_what_is_no_seat_begins_nowhere(db):
    client = client_in_role("loyalty manager")
    form = seat_form(kind="donation", amount="10.00")
    answer = client.post(reverse("admin:loyalty_reward_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    reward = Reward.objects.get()
    assert (reward.seat_at, reward.place) == (None, "")


def test_the_door_lets_in_once_and_then_says_when(seat):
    rule("came", occasion="attendance", points=50)
    client = client_in_role("support")
    link = f"{DOOR}?redemption={seat.public_id}"
    assert link in client.get(page_of(seat)).content.decode()
    assert DOOR in client.get(LISTED).content.decode()
    assert f'value="{seat.ticket}"' in client.get(link).content.decode()

    done = client.post(DOOR, {"ticket": seat.ticket}, headers=EN, follow=True)

    assert "Good cause: let in at" in done.content.decode()
    assert "50 points for coming" in done.content.decode()
    seat.refresh_from_db()
    assert seat.state == "admitted"
    again = client.post(DOOR, {"ticket": seat.ticket}, headers=EN)
    assert "was used already" in again.content.decode()
    assert "Asia/Shanghai" in again.content.decode()
    unknown = client.post(DOOR, {"ticket": "<b>nothing"}, headers=EN)
    assert "no such pass" in unknown.content.decode()
    assert "<b>nothing" not in unknown.content.decode()
    assert link not in client.get(page_of(seat)).content.decode()
    end = reverse("admin:redemption_end", args=[seat.pk])
    refused = client.post(end, {"reason": "Not wanted"})
    assert refused.status_code == 200
    seat.refresh_from_db()
    assert seat.state == "admitted"


def test_the_door_asks_why_while_it_is_closed(seat):
    begins = clock.now() + timedelta(days=3)
    Reward.objects.update(seat_at=begins, seat_until=begins + timedelta(hours=2))
    client = client_in_role("support")
    before = digest()

    asked = client.post(DOOR, {"ticket": seat.ticket}, headers=EN).content.decode()

    assert "for another day" in asked
    assert 'name="reason"' in asked
    assert f'value="{seat.ticket}"' in asked
    short = client.post(DOOR, {"ticket": seat.ticket, "reason": "x"}, headers=EN)
    assert 'name="reason"' in short.content.decode()
    assert digest() == before
    assert 'name="reason"' not in client.get(DOOR).content.decode()
    told = {"ticket": seat.ticket, "reason": "Helps to set up"}
    assert client.post(DOOR, told).status_code == 302
    (trail,) = AuditEntry.objects.filter(action="rewards.admit")
    assert trail.reason == "Helps to set up"


def test_an_occasion_is_over_after_it_begins_and_says_so(db):
    client = client_in_role("loyalty manager")
    url = reverse("admin:loyalty_reward_add")
    over = {"seat_until_0": "2031-11-30", "seat_until_1": "19:00"}
    wrong = client.post(url, seat_form(**over), headers=EN)
    assert "It is over after it begins." in wrong.content.decode()
    over["seat_until_1"] = "21:30"
    answer = client.post(url, seat_form(**over))
    assert answer.status_code == 302, answer.context["errors"]
    reward = Reward.objects.get()
    assert reward.seat_until.isoformat() == "2031-11-30T13:30:00+00:00"
    with translation.override("en"):
        assert "Passes let in until" in words_of_reward(reward)


@pytest.mark.parametrize(
    "role", ["marketer", "analyst", "finance", "auditor", "nobody"]
)
def test_nobody_else_stands_at_the_door_or_sees_a_ticket(role, seat):
    client = client_in_role(role)
    before = digest()
    assert client.get(DOOR).status_code == 403
    for why in ({}, {"reason": "Let me in"}):
        told = {"ticket": seat.ticket} | why
        assert client.post(DOOR, told).status_code == 403
    for address in (page_of(seat), LISTED):
        page = client.get(address).content.decode()
        assert seat.ticket not in page
        assert f'href="{DOOR}"' not in page
    assert digest() == before
    assert RewardRedemption.objects.get().state == "fulfilled"

from html import unescape

import pytest
from django.urls import reverse
from django.utils.text import capfirst

from campaigns.models import CouponTemplate
from crm.shared.models import AuditEntry
from loyalty.admin.referral import REASONS
from loyalty.models import ReferralProgram
from loyalty.rules.referrals import SUSPICIONS
from loyalty.services.rewarding_referrals import (
    CAP_REACHED,
    COUPON_GONE,
    FRIEND_OUT,
    INVITER_OUT,
)
from tests.cast import NOON
from tests.loyalty.friends import brought, points_of, promise
from tests.staff import client_in_role


@pytest.fixture
def held(alice):
    promise()
    referral = brought(alice, 7)
    referral.state, referral.converted_at = "held", NOON
    referral.reasons = ["same_address", "velocity"]
    referral.save()
    return referral


def page_of(referral):
    return reverse("admin:loyalty_referral_change", args=[referral.pk])


def decide(client, referral, deed, reason="looked into it"):
    answer = client.post(page_of(referral), {"deed": deed, "reason": reason})
    referral.refresh_from_db()
    return answer


def test_every_reason_has_words():
    assert set(REASONS) == {
        *SUSPICIONS,
        CAP_REACHED,
        COUPON_GONE,
        FRIEND_OUT,
        INVITER_OUT,
    }


def test_the_page_says_what_was_noticed_and_shows_nobody(held):
    page = client_in_role("loyalty manager").get(page_of(held)).content.decode()
    text = unescape(page)
    assert held.inviter.number in text
    assert held.inviter.name not in text
    for code in held.reasons:
        assert capfirst(str(REASONS[code])) in text


@pytest.mark.parametrize(
    ("deed", "state", "points"),
    [("release", "rewarded", 100), ("reject", "rejected", 0)],
)
def test_who_may_decides_with_a_reason_that_is_kept(held, deed, state, points):
    client = client_in_role("loyalty manager")
    assert decide(client, held, deed, reason=" ").status_code == 200
    assert held.state == "held"
    assert decide(client, held, deed).status_code == 302
    assert (held.state, points_of(held.inviter)) == (state, points)
    said = AuditEntry.objects.get(action=f"referrals.{deed}")
    assert said.reason == "looked into it"


@pytest.mark.parametrize("role", ["support", "marketer", "analyst", "auditor"])
def test_who_may_only_look_decides_nothing(held, role):
    client = client_in_role(role)
    assert 'name="deed"' not in client.get(page_of(held)).content.decode()
    assert decide(client, held, "release").status_code == 403
    assert held.state == "held"


@pytest.mark.parametrize("role", ["finance", "nobody"])
def test_others_do_not_see_it(held, role):
    client = client_in_role(role)
    assert client.get(page_of(held)).status_code == 403
    assert decide(client, held, "release").status_code == 403


def test_the_program_is_one_form_that_is_never_added_or_deleted(db):
    client = client_in_role("owner")
    row = ReferralProgram.objects.get()
    page = reverse("admin:loyalty_referralprogram_change", args=[row.pk])
    sent = {
        "is_active": "on",
        "conversion": "joining",
        "least_order_minor": 0,
        "inviter_points": 5,
        "friend_points": 6,
        "milestone_every": 0,
        "milestone_points": 0,
        "cap_friends": "",
        "cap_period": "year",
        "velocity_friends": 3,
        "velocity_hours": 1,
    }
    assert client.post(page, sent).status_code == 302
    row.refresh_from_db()
    assert (row.is_active, row.conversion, row.cap_friends) == (True, "joining", None)
    ten = CouponTemplate.objects.create(
        code="ten",
        name="Ten",
        kind="amount",
        amount_minor=1_000,
        state="live",
        starts_at=NOON,
    )
    coupon = {"friend_template": ten.public_id}
    assert client.post(page, sent | {"friend_template": "cpt_no"}).status_code == 200
    assert client.post(page, sent | coupon).status_code == 302
    row.refresh_from_db()
    assert (row.inviter_template, row.friend_template) == ("", ten.public_id)
    assert "Ten" in client.get(page).content.decode()
    assert client.get(reverse("admin:loyalty_referralprogram_add")).status_code == 403
    delete = reverse("admin:loyalty_referralprogram_delete", args=[row.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403

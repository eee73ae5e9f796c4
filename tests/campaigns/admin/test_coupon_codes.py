"""The console of codes: made, downloaded and revoked by those who may."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from campaigns.models import (
    Budget,
    Coupon,
    CouponBatch,
    CouponCode,
    CouponTemplate,
    PublicCode,
)
from campaigns.sentences import template_sentence
from campaigns.services.issuing import issue_coupon
from crm.shared.jobs import run_all_queued
from crm.shared.models import AuditEntry, Job
from tests.cast import NOON


def url(name, row):
    return reverse(f"admin:{name}", args=[row.pk])


def test_codes_are_made_with_progress_downloaded_and_revoked(staff, endless):
    client = staff("marketer")
    page = url("coupon_codes", endless)
    assert b"64 random bits" in client.get(page).content
    answer = client.post(page, {"prefix": "vp", "count": 3})
    batch = CouponBatch.objects.get()
    assert answer.url == reverse("admin:shared_job_change", args=[batch.job_id])
    run_all_queued()

    answer = client.get(url("coupon_batch_download", batch))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "code,state"
    assert {line.split(",")[0] for line in lines[1:]} == set(
        CouponCode.objects.values_list("pk", flat=True)
    )
    assert "no-store" in answer.headers["Cache-Control"]
    assert AuditEntry.objects.filter(action="coupons.download_codes").count() == 1

    revoke = url("coupon_batch_revoke", batch)
    assert b"3 codes nobody used yet and 0 coupons" in client.get(revoke).content
    assert b"Give a reason" in client.post(revoke, {"reason": " "}).content
    batch.refresh_from_db()
    assert batch.revoked_at is None
    assert client.post(revoke, {"reason": "leaked"}).url == page
    batch.refresh_from_db()
    assert batch.revoked_at is not None
    assert AuditEntry.objects.get(action="coupons.revoke_batch").reason == "leaked"


@pytest.mark.parametrize(
    "body",
    [{"prefix": "V", "count": 3}, {"prefix": "V0", "count": 3}, {"prefix": "VP"}],
)
def test_a_wrong_form_makes_nothing(body, staff, endless):
    answer = staff("marketer").post(url("coupon_codes", endless), body)
    assert answer.status_code == 200
    assert not CouponBatch.objects.exists()
    assert not Job.objects.exists()


def test_coupons_of_a_template_are_revoked_with_a_reason(staff, alice, endless):
    issue_coupon(template_id=endless.pk, member_id=alice.pk, source="x", now=NOON)
    client = staff("marketer")
    page = url("coupon_template_revoke", endless)
    assert b"1 coupons in wallets" in client.get(page).content
    client.post(page, {"reason": "wrong price"})
    assert Coupon.objects.get().state == "revoked"


@pytest.mark.parametrize(
    ("role", "sees", "does"),
    [
        ("marketer", 200, True),
        ("owner", 200, True),
        ("support", 200, False),
        ("analyst", 200, False),
        ("auditor", 200, False),
        ("finance", 403, False),
    ],
)
def test_who_may_see_and_who_may_do(role, sees, does, staff, dana, endless):
    batch = CouponBatch.objects.create(
        template=endless, prefix="VP", wanted=1, asked_by=dana, asked_at=NOON
    )
    client = staff(role)
    assert client.get(url("coupon_codes", endless)).status_code == sees
    answers = [
        client.post(url("coupon_codes", endless), {"prefix": "VP", "count": 1}),
        client.get(url("coupon_batch_download", batch)),
        client.post(url("coupon_batch_revoke", batch), {"reason": "because"}),
        client.post(url("coupon_template_revoke", endless), {"reason": "because"}),
    ]
    assert [answer.status_code == 403 for answer in answers] == [not does] * 4


def test_a_word_and_a_budget_are_written_in_forms(staff, endless):
    client = staff("marketer")
    client.post(
        reverse("admin:campaigns_publiccode_add"),
        {"template": endless.pk, "code": "spring-26", "is_active": "on"},
    )
    assert PublicCode.objects.get().code == "SPRING26"
    client.post(
        reverse("admin:campaigns_budget_add"),
        {"name": "Spring", "amount_minor": "5.00"},
    )
    budget = Budget.objects.get()
    Budget.objects.update(reserved_minor=400)
    answer = client.post(
        reverse("admin:campaigns_budget_change", args=[budget.pk]),
        {"name": "Spring", "amount_minor": "3.99"},
    )
    assert "More than this is reserved" in answer.content.decode()
    budget.refresh_from_db()
    assert budget.amount_minor == 500
    with CaptureQueriesContext(connection) as asked:
        client.post(
            reverse("admin:campaigns_budget_change", args=[budget.pk]),
            {"name": "Summer", "amount_minor": "5"},
        )
    [written] = [q["sql"] for q in asked if 'UPDATE "campaigns_budget"' in q["sql"]]
    assert "Summer" in written
    assert "reserved_minor" not in written, "orders may have changed it meanwhile"


def test_a_template_is_told_in_plain_words(endless, staff):
    CouponTemplate.objects.update(
        kind="percent",
        percent_bp=2000,
        cap_minor=5000,
        valid_days=7,
        points_price=300,
        for_first_order=True,
        skips_discounted=True,
        limit_total=100,
        limit_member=2,
        period="week",
        limit_member_period=1,
        is_transferable=True,
    )
    endless.refresh_from_db()
    with override("en"):
        assert template_sentence(endless) == (
            "20 % off, at most ¥50.00 from a spend of ¥100.00. Not on what is reduced "
            "already. For a first order only. Usable until the end of day 7 after it "
            "is got. Costs 300 points. 100 uses in all. 2 uses for each person. 1 use "
            "a week for each person. May be given away."
        )
    page = staff("marketer").get(url("campaigns_coupontemplate_change", endless))
    assert "1 use a week for each person." in page.content.decode()


def test_a_coupon_says_what_it_promised_when_it_was_issued(endless, alice, staff):
    CouponTemplate.objects.update(skips_discounted=True, for_first_order=True)
    coupon = issue_coupon(
        template_id=endless.pk, member_id=alice.pk, source="test", now=NOON
    )
    promised = endless.amount_minor
    CouponTemplate.objects.update(
        amount_minor=promised + 500, skips_discounted=False, for_first_order=False
    )
    page = staff("marketer").get(url("campaigns_coupon_change", coupon))
    text = page.content.decode()
    assert f"¥{promised / 100:.2f} off" in text
    assert "Not on what is reduced already. For a first order only." in text
    assert "amount_minor" not in text

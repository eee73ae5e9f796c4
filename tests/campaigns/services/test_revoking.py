"""Coupons of a template revoked by a job, chunk by chunk."""

import pytest
from django.urls import reverse

from campaigns.admin import coupon_codes
from campaigns.models import Coupon, CouponTemplate
from campaigns.services import revoking
from campaigns.services.holding import hold_coupon
from campaigns.services.issuing import issue_to_members
from campaigns.services.revoking import order_revocation
from crm.shared.jobs import JobProgress, cancel_job, run_job
from crm.shared.models import AuditEntry, Job
from tests.campaigns.services.test_limits import order_of
from tests.cast import NOON, make_member


@pytest.fixture
def given(template, monkeypatch):
    """Five coupons of five members, one held by an order; chunks of two."""
    monkeypatch.setattr(revoking, "CHUNK", 2)
    CouponTemplate.objects.update(stock=None)
    members = [make_member(serial) for serial in range(1, 6)]
    issue_to_members(
        template_id=template.pk,
        member_ids=[member.pk for member in members],
        source="x",
        now=NOON,
    )
    held = Coupon.objects.get(member=members[1])
    order = order_of(members[1])
    hold_coupon(coupon=held.public_id, order_id=order.pk, now=NOON)
    return template


def ordered(template, dana):
    return order_revocation(
        template_id=template.pk, actor=dana, reason="wrong price", now=NOON
    )


def states():
    return list(Coupon.objects.order_by("pk").values_list("state", flat=True))


def test_c21_a_job_revokes_what_no_order_holds(dana, given):
    job = ordered(given, dana)
    assert states().count("revoked") == 0
    later = make_member(9)
    issue_to_members(
        template_id=given.pk,
        member_ids=[later.pk],
        source="x",
        now=NOON.replace(hour=NOON.hour + 1),
    )
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == ("done", 5, 5)
    assert job.result == {"coupons": 4, "skipped": 1}
    assert sorted(states()) == ["available", "held", *["revoked"] * 4]
    entry = AuditEntry.objects.get(action="coupons.order_revocation")
    assert (entry.reason, entry.detail) == ("wrong price", {"job": job.public_id})
    assert job.params == {"template": given.public_id}


def test_a_cut_job_goes_on_after_its_last_chunk(dana, given, monkeypatch):
    job = ordered(given, dana)
    advance = JobProgress.advance

    def cut(progress, **changes):
        if changes.get("done") == 4:
            cancel_job(job_id=job.pk, actor=dana, now=NOON)
        advance(progress, **changes)

    with monkeypatch.context() as patched:
        patched.setattr(JobProgress, "advance", cut)
        run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 2)
    assert states().count("revoked") == 1
    Job.objects.filter(pk=job.pk).update(
        state="queued", cancel_requested=False, finished_at=None
    )
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert job.result == {"coupons": 4, "skipped": 1}


def test_the_page_leaves_many_to_a_job(staff, given, monkeypatch):
    monkeypatch.setattr(coupon_codes, "MOST_AT_ONCE", 3)
    page = reverse("admin:coupon_template_revoke", args=[given.pk])
    answer = staff("marketer").post(page, {"reason": "wrong price"})
    assert Job.objects.get().kind == "campaigns.revoke_coupons"
    assert answer.url == reverse(
        "admin:campaigns_coupontemplate_change", args=[given.pk]
    )
    answer = staff("owner").post(page, {"reason": "wrong price"})
    job = Job.objects.latest("pk")
    assert answer.url == f"/admin/shared/job/{job.pk}/change/"
    assert states().count("revoked") == 0

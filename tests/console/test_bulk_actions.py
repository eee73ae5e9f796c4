"""Deeds for many members: ticked in the list, asked for once, done by a job."""

import pytest
from django.urls import reverse

from campaigns.models import Coupon, CouponTemplate
from crm.console.rules.roles import ROLES
from crm.console.services import bulk
from crm.shared.jobs import cancel_job, run_job
from crm.shared.models import AuditEntry, Job
from loyalty.models import PointsEntry
from members.models import Member, MemberTag

LIST = reverse("admin:members_member_changelist")
TAG = {"tag": "vip", "reason": "met at the fair", "request_key": "k1"}
POINTS = {
    "points": "50",
    "reason_code": "goodwill",
    "reason": "sorry for the delay",
    "request_key": "k1",
}


def ask(client, action, members, **form):
    chosen = [member.pk for member in members]
    return client.post(LIST, {"action": action, "_selected_action": chosen, **form})


def confirm(client, action, members, form):
    """Fill in the page that asks, and run the job it starts."""
    answer = ask(client, action, members, confirmed="1", **form)
    job = Job.objects.get(kind="console.bulk_deed")
    assert answer.url == reverse("admin:shared_job_change", args=[job.pk])
    assert run_job(job.pk)
    job.refresh_from_db()
    return job


def test_the_page_says_how_many_and_asks_why(shop, signed_in):
    page = ask(signed_in("support"), "bulk_grant", shop["members"][:3])
    assert "This is done for 3 members" in page.content.decode()
    assert 'name="request_key"' in page.content.decode()
    again = ask(
        signed_in("support"),
        "bulk_grant",
        shop["members"][:3],
        confirmed="1",
        points=0,
        request_key="k",
    )
    assert sorted(again.context["form"].errors) == ["points", "reason", "reason_code"]
    assert not Job.objects.filter(kind="console.bulk_deed").exists()


def test_points_reach_each_member_once_however_often_the_job_runs(shop, signed_in):
    chosen = shop["members"][:3]
    before = PointsEntry.objects.count()
    job = confirm(signed_in("support"), "bulk_grant", chosen, POINTS)
    assert (job.state, job.done, job.result) == ("done", 3, {"done": 3})
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)
    assert run_job(job.pk)
    assert PointsEntry.objects.count() == before + 3
    given = PointsEntry.objects.filter(kind="grant", source__startswith="bulk:k1:")
    assert {entry.account_id for entry in given} == {member.pk for member in chosen}
    assert {entry.points for entry in given} == {50}
    asked = AuditEntry.objects.get(action="members.bulk_grant")
    assert (asked.reason, asked.detail) == (POINTS["reason"], {"members": 3})


def test_a_double_click_gives_once(shop, signed_in):
    client = signed_in("support")
    for _click in range(2):
        ask(client, "bulk_grant", shop["members"][:2], confirmed="1", **POINTS)
    jobs = Job.objects.filter(kind="console.bulk_deed")
    assert [run_job(job.pk) for job in jobs] == [True, True]
    assert PointsEntry.objects.filter(source__startswith="bulk:k1:").count() == 2


def test_a_tag_ends_with_its_last_day(shop, signed_in):
    form = TAG | {"until": "2099-12-31"}
    confirm(signed_in("support"), "bulk_tag", shop["members"][:2], form)
    ends = MemberTag.objects.filter(tag__name="vip").values_list(
        "expires_at", flat=True
    )
    assert [end.isoformat() for end in ends] == ["2099-12-31T16:00:00+00:00"] * 2


def test_a_tag_that_is_over_is_refused(shop, signed_in):
    form = TAG | {"until": "2001-01-01", "confirmed": "1"}
    page = ask(signed_in("support"), "bulk_tag", shop["members"][:2], **form)
    assert page.context["form"].errors["until"] == ["This day is over."]


def test_one_refusal_does_not_stop_the_others(shop, signed_in):
    template = CouponTemplate.objects.filter(state="live").first()
    CouponTemplate.objects.filter(pk=template.pk).update(stock=template.issued + 2)
    job = confirm(
        signed_in("marketer"),
        "bulk_coupon",
        shop["members"][:3],
        {"template": template.pk, "reason": "spring letter", "request_key": "k1"},
    )
    assert job.result == {"done": 2, "coupon_out_of_stock": 1}
    assert Coupon.objects.filter(source__startswith="bulk:k1:").count() == 2
    (line,) = job.lines.all()
    assert line.text.endswith("All coupons of this kind have been given out.")


def test_all_that_match_the_filter_and_no_others(shop, signed_in):
    Member.objects.filter(pk=shop["members"][0].pk).update(state="frozen")
    wanted = Member.objects.filter(state="active")
    assert 0 < wanted.count() < Member.objects.count()
    client = signed_in("support")
    client.post(
        f"{LIST}?state__exact=active",
        {
            "action": "bulk_tag",
            "_selected_action": [wanted.first().pk],
            "select_across": "1",
            "confirmed": "1",
            **TAG,
        },
    )
    assert run_job(Job.objects.get(kind="console.bulk_deed").pk)
    tagged = MemberTag.objects.filter(tag__name="vip").values_list(
        "member_id", flat=True
    )
    assert set(tagged) == set(wanted.values_list("pk", flat=True))


def test_more_than_fit_into_one_run_are_refused(shop, signed_in, monkeypatch):
    monkeypatch.setattr("crm.console.admin.bulk_actions.MOST_MEMBERS", 2)
    client = signed_in("support")
    answer = ask(client, "bulk_tag", shop["members"][:3], confirmed="1", **TAG)
    assert answer.status_code == 302
    text = client.get(LIST).content.decode()
    assert "At most 2 members at once; 3 are chosen." in text
    assert not Job.objects.filter(kind="console.bulk_deed").exists()


def test_a_cancelled_run_stops_after_its_chunk(shop, signed_in, monkeypatch):
    monkeypatch.setattr(bulk, "_CHUNK", 1)
    client = signed_in("support")
    ask(client, "bulk_tag", shop["members"][:3], confirmed="1", **TAG)
    job = Job.objects.get(kind="console.bulk_deed")
    tag_one = bulk.DEEDS["tag"]

    def tag_and_cancel(**values):
        tag_one(**values)
        cancel_job(job_id=job.pk, actor=values["actor"], now=values["now"])

    monkeypatch.setitem(bulk.DEEDS, "tag", tag_and_cancel)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert MemberTag.objects.filter(tag__name="vip").count() == 1


DEEDS = {
    "bulk_tag": "members.change_member",
    "bulk_grant": "loyalty.add_pointsentry",
    "bulk_coupon": "campaigns.add_coupon",
}


@pytest.mark.parametrize("role", [*ROLES])
@pytest.mark.parametrize("action", sorted(DEEDS))
def test_each_role_does_what_it_may(action, role, shop, signed_in):
    template = CouponTemplate.objects.filter(state="live").first()
    forms = {
        "bulk_tag": TAG,
        "bulk_grant": POINTS,
        "bulk_coupon": {
            "template": template.pk,
            "reason": "spring",
            "reason_code": "campaign",
            "request_key": "k1",
        },
    }
    form = forms[action] | {"confirmed": "1"}
    ask(signed_in(role), action, shop["members"][:2], **form)
    started = Job.objects.filter(kind="console.bulk_deed").exists()
    assert started == (
        DEEDS[action] in ROLES[role] and "members.view_member" in ROLES[role]
    )

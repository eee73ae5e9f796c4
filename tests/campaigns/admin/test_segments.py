"""The form of a segment, and coupons for its members."""

import pytest
from django.urls import reverse

from campaigns.models import Coupon, Segment
from crm.shared.jobs import run_all_queued
from crm.shared.models import Job
from loyalty.models import MemberValue
from tests.cast import NOON
from tests.staff import client_in_role

ADD = reverse("admin:campaigns_segment_add")
SPENT = {"field_0": "loyalty.spend", "how_0": "gte", "value_0": "500"}


@pytest.fixture
def marketer(db):
    return client_in_role("marketer")


def page_of(segment: Segment) -> str:
    return reverse("admin:campaigns_segment_change", args=[segment.pk])


def told(**lines) -> dict:
    usual = {"code": "rich", "name": "高消费", "is_active": "on", "join": "all"}
    return usual | lines


def errors(answer) -> dict[str, list[str]]:
    return answer.context["adminform"].form.errors


def test_lines_become_a_condition_and_a_job_looks_who_is_in_it(marketer, alice):
    MemberValue.objects.create(member=alice, net_minor=50_000)
    lines = SPENT | {
        "field_3": "member.state",
        "how_3": "in",
        "value_3": "active，Dormant",
    }
    assert marketer.post(ADD, told(**lines)).status_code == 302
    segment = Segment.objects.get()
    assert segment.condition == {
        "all": [
            {"field": "loyalty.spend", "is": "gte", "value": 50_000},
            {"field": "member.state", "is": "in", "value": ["active", "dormant"]},
        ]
    }
    run_all_queued()
    segment.refresh_from_db()
    assert segment.members_count == 1
    page = marketer.get(page_of(segment)).content.decode()
    assert "lifetime spend is at least ¥500.00 and state is active or dormant" in page


def test_a_saved_segment_is_shown_as_it_was_typed_and_keeps_its_code(marketer):
    marketer.post(ADD, told(**SPENT))
    segment = Segment.objects.get()
    form = marketer.get(page_of(segment)).context["adminform"].form
    assert form.initial["field_0"] == "loyalty.spend"
    assert form.initial["value_0"] == "500.00"
    changed = told(**SPENT | {"value_0": "600", "name": "大客户", "code": "other"})
    assert marketer.post(page_of(segment), changed).status_code == 302
    segment.refresh_from_db()
    assert segment.code == "rich"
    assert segment.condition["all"][0]["value"] == 60_000


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        ({"how_0": "gte", "value_0": "3"}, "field_0", "Choose what to ask about."),
        (SPENT | {"how_0": "any_of"}, "how_0", "Choose one of: is, is not"),
        (SPENT | {"value_0": "much"}, "value_0", "Enter an amount such as 12.30."),
        (SPENT | {"value_0": ""}, "value_0", "Enter a value that fits."),
        (SPENT | {"value_0": "1, 2"}, "value_0", "Enter one value"),
        (SPENT | {"how_0": "known"}, "value_0", "Leave this empty"),
        (
            SPENT | {"how_0": "between", "value_0": "9, 1"},
            "value_0",
            "Enter a value that fits.",
        ),
        (
            {"field_2": "loyalty.tier", "how_2": "eq", "value_2": "wood"},
            "value_2",
            "Choose among: ",
        ),
        (
            {"field_2": "loyalty.orders", "how_2": "eq", "value_2": "one"},
            "value_2",
            "Enter a whole number.",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_at_its_line(marketer, lines, place, said):
    answer = marketer.post(ADD, told(**lines))
    assert errors(answer)[place][0].startswith(said)
    assert not Segment.objects.exists()


def test_groups_within_groups_are_told_in_words_and_stay(marketer):
    vip = {"field": "member.tags", "is": "any_of", "value": ["VIP"]}
    rich = {"field": "loyalty.spend", "is": "gte", "value": 50_000}
    segment = Segment.objects.create(
        code="deep", name="深", condition={"all": [{"any": [vip, rich]}, {"not": vip}]}
    )
    page = marketer.get(page_of(segment))
    assert "(tags include VIP or lifetime spend is at least ¥500.00) and not" in (
        page.content.decode()
    )
    assert "field_0" not in page.content.decode()
    assert marketer.post(page_of(segment), told(name="新")).status_code == 302
    segment.refresh_from_db()
    assert segment.name == "新"
    assert "not" in segment.condition["all"][1]


def test_coupons_go_to_its_members_by_a_job(marketer, alice, template):
    marketer.post(ADD, told())
    run_all_queued()
    url = reverse("admin:segment_coupons", args=[Segment.objects.get().pk])
    assert "Members in this segment" in marketer.get(url).content.decode()
    assert "template" in marketer.post(url, {}).context["form"].errors
    assert marketer.post(url, {"template": template.pk}).status_code == 302
    run_all_queued()
    assert list(Coupon.objects.values_list("member", flat=True)) == [alice.pk]


def test_looking_again_is_a_job(marketer):
    segment = Segment.objects.create(code="x", name="x", condition={})
    url = reverse("admin:segment_refresh", args=[segment.pk])
    assert marketer.get(url).status_code == 405
    assert marketer.post(url).status_code == 302
    assert Job.objects.filter(kind="campaigns.refresh_segment").count() == 1


@pytest.mark.parametrize("role", ["support", "analyst", "finance", "nobody"])
def test_others_may_not_change_segments(role, db):
    segment = Segment.objects.create(
        code="x", name="x", condition={}, members_count=0, refreshed_at=NOON
    )
    client = client_in_role(role)
    assert client.post(ADD, told()).status_code == 403
    for name in ("segment_refresh", "segment_coupons"):
        url = reverse(f"admin:{name}", args=[segment.pk])
        assert client.post(url).status_code == 403


def test_a_segment_that_is_not_there_is_not_found(marketer):
    assert marketer.get(reverse("admin:segment_coupons", args=[9])).status_code == 404

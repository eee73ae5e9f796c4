"""The form behind "Edit": through the services, never over somebody's work."""

import re

import pytest
from django.urls import reverse

from crm.shared.models import AuditEntry
from members.models import Interest, Member
from members.queries import phone_is
from members.services.correcting import correct_member
from tests.cast import NOON


def url_of(member) -> str:
    return reverse("admin:members_member_change", args=[member.pk])


def fields_of(client, member) -> dict:
    """Return the form as the browser would send it back untouched."""
    form = client.get(url_of(member)).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value is not None}


def kept(member) -> Member:
    return Member.objects.get(pk=member.pk)


def test_saving_twice_moves_nothing(shop, signed_in):
    client, member = signed_in("support"), shop["busy"]
    Interest.objects.create(code="art", name="艺术")
    typed = fields_of(client, member)
    typed |= {"city": " 杭州 ", "interests": ["tea", "art"], "occupation": "retired"}
    assert client.post(url_of(member), typed).status_code == 302
    first = kept(member)
    assert (first.city, first.interests, first.occupation) == (
        "杭州",
        ["art", "tea"],
        "retired",
    )
    assert first.version == member.version + 1
    entry = AuditEntry.objects.get(action="members.correct")
    assert (entry.actor, entry.object_id, entry.detail) == (
        "support",
        member.public_id,
        dict.fromkeys(["city", "occupation", "interests"], "changed"),
    )
    assert not AuditEntry.objects.filter(action="members.member.change").exists()

    assert client.post(url_of(member), fields_of(client, member)).status_code == 302
    assert kept(member).version == first.version
    assert kept(member).birthday == "1990-02-28"
    assert AuditEntry.objects.filter(action="members.correct").count() == 1


def test_a_stale_edit_is_refused_and_keeps_what_was_typed(shop, signed_in):
    client, member = signed_in("support"), shop["busy"]
    typed = {**fields_of(client, member), "city": "宁波"}
    correct_member(member_id=member.pk, changes={"city": "杭州"}, now=NOON)

    for _again in range(2):
        answer = client.post(url_of(member), typed)
        assert answer.status_code == 200
        shown = answer.content.decode()
        assert "Somebody changed this member meanwhile." in shown
        assert "宁波" in shown
    assert kept(member).city == "杭州"
    assert not AuditEntry.objects.filter(action="members.correct").exists()

    fresh = {**fields_of(client, member), "city": "宁波"}
    assert client.post(url_of(member), fresh).status_code == 302
    assert kept(member).city == "宁波"


def test_a_form_without_its_version_is_refused(shop, signed_in):
    client, member = signed_in("support"), shop["busy"]
    typed = {**fields_of(client, member), "city": "宁波"}
    del typed["seen_version"]
    assert client.post(url_of(member), typed).status_code == 200
    assert kept(member).city == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"birthday": "1990-02-30"}, "birthday"),
        ({"email": "nonsense"}, "email"),
        ({"interests": ["unheard"]}, "interests"),
        ({"occupation": "spy"}, "occupation"),
    ],
)
def test_what_a_service_refuses_stands_at_its_field(change, field, shop, signed_in):
    client, member = signed_in("support"), shop["busy"]
    before = kept(member)
    answer = client.post(url_of(member), {**fields_of(client, member), **change})
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert kept(member).version == before.version
    assert kept(member).phone == before.phone


def test_the_phone_of_somebody_else_is_refused(shop, signed_in):
    client, member = signed_in("support"), shop["busy"]
    taken = shop["members"][1].phone
    answer = client.post(url_of(member), {**fields_of(client, member), "phone": taken})
    assert answer.status_code == 200
    assert Member.objects.get(phone_is(taken)).pk == shop["members"][1].pk


def test_staff_make_a_member(shop, signed_in):
    client, before = signed_in("support"), Member.objects.count()
    answer = client.post(
        reverse("admin:members_member_add"),
        {"name": "钱多", "phone": "139 1234 5678", "region": "苏州", "language": "en"},
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    member = Member.objects.get(phone_is("13912345678"))
    assert (member.name, member.region, member.source, member.language) == (
        "钱多",
        "苏州",
        "staff",
        "en",
    )
    assert re.fullmatch(r"M\d{9}", member.number)
    assert AuditEntry.objects.filter(action="members.member.add").count() == 1
    again = client.post(
        reverse("admin:members_member_add"), {"name": "钱", "phone": "13912345678"}
    )
    assert again.status_code == 200
    assert Member.objects.count() == before + 1


@pytest.mark.parametrize("role", ["analyst", "marketer", "finance", "auditor"])
def test_who_may_not_edit_is_led_to_the_page(role, shop, signed_in):
    client, member = signed_in(role), shop["busy"]
    answer = client.get(url_of(member))
    assert (answer.status_code, answer.url) == (
        302,
        reverse("admin:member_page", args=[member.public_id]),
    )
    client.post(url_of(member), {"name": "x", "city": "x"})
    assert kept(member).city == ""

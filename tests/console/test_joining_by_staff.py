"""Staff make somebody a member, and write down what members say."""

import uuid

import pytest
from django.urls import reverse

from crm.shared.clock import now
from crm.shared.models import AuditEntry, Fact
from members.models import Consent, Invitation, Member
from members.queries import email_is, has_consent
from members.rules.numbers import is_member_number
from members.services.inviting import invitation_code_of
from tests.cast import publish

ADD = reverse("admin:members_member_add")
JING = {
    "name": "王静",
    "gender": "female",
    "phone": "139 0000 1234",
    "email": "jing.new@example.com",
    "birthday": "1990-02-28",
    "region": "",
    "language": "zh-hans",
    "invitation_code": "",
}


def test_staff_make_a_member_like_every_other_way_in(shop, signed_in):
    inviter = shop["busy"]
    code = invitation_code_of(member_id=inviter.pk, now=now())
    answer = signed_in("support").post(ADD, {**JING, "invitation_code": code})
    assert answer.status_code == 302, answer.content

    member = Member.objects.get(email_is(JING["email"]))
    assert is_member_number(member.number)
    assert (member.name, member.phone, member.birth_month, member.source) == (
        "王静",
        "+8613900001234",
        2,
        "staff",
    )
    assert Fact.objects.filter(
        name="members.MemberJoined", payload__member_id=member.pk
    ).exists()
    assert Invitation.objects.get().inviter == inviter
    entry = AuditEntry.objects.get(action="members.member.add")
    assert (entry.actor, entry.object_id) == ("support", member.public_id)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("phone", "12"),
        ("phone", "13800000003"),
        ("email", "nobody"),
        ("email", "PERSON3@example.com"),
        ("invitation_code", "0000000000"),
        ("gender", "x"),
        ("birthday", "2990-01-01"),
        ("birthday", "1990-02-30"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(field, wrong, shop, signed_in):
    before = Member.objects.count()
    answer = signed_in("support").post(ADD, {**JING, field: wrong})
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert Member.objects.count() == before


@pytest.mark.parametrize("role", ["marketer", "analyst", "finance", "auditor"])
def test_others_do_not(role, shop, signed_in):
    assert signed_in(role).post(ADD, JING).status_code == 403


# --- What members say to staff ------------------------------------------------


def record(client, member, **data):
    url = reverse("admin:member_action", args=[member.public_id, "consent"])
    return client.post(
        url,
        {
            "purpose": "marketing",
            "channel": "email",
            "granted": "yes",
            "reason": "said so by telephone",
            "request_key": str(uuid.uuid4()),
            **data,
        },
    )


def test_staff_write_down_a_yes_and_a_no(shop, signed_in):
    publish("2026-11", language="zh-hans")
    client, busy = signed_in("support"), shop["busy"]
    assert record(client, busy).status_code == 302
    row = Consent.objects.latest("id")
    assert (row.actor, row.reason, row.source, row.text_version) == (
        "support",
        "said so by telephone",
        "staff",
        "2026-11",
    )
    about = {"member_id": busy.pk, "purpose": "marketing", "channel": "email"}
    assert has_consent(**about)
    assert AuditEntry.objects.filter(action="members.consent", actor="support").exists()

    assert record(client, busy, granted="no").status_code == 302
    assert not has_consent(**about)


@pytest.mark.parametrize(
    "wrong", [{"reason": ""}, {"channel": "fax"}, {"granted": "perhaps"}]
)
def test_a_half_told_consent_is_not_kept(wrong, shop, signed_in):
    before = Consent.objects.count()
    assert record(signed_in("support"), shop["busy"], **wrong).status_code == 200
    assert Consent.objects.count() == before


@pytest.mark.parametrize("role", ["marketer", "loyalty manager", "analyst", "auditor"])
def test_only_service_writes_consents_down(role, shop, signed_in):
    before = Consent.objects.count()
    assert record(signed_in(role), shop["busy"]).status_code == 403
    assert Consent.objects.count() == before


def test_nobody_says_yes_for_who_left(shop, signed_in):
    Member.objects.filter(pk=shop["busy"].pk).update(state="closed")
    before = Consent.objects.count()
    answer = record(signed_in("support"), shop["busy"])
    assert "This membership has ended." in answer.content.decode()
    assert Consent.objects.count() == before

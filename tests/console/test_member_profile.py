"""The profile on the page of one member: picture, attributes, tags, states."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.clock import day_bounds, now, today
from crm.shared.models import AuditEntry
from members.models import (
    AttributeDefinition,
    AttributeValue,
    LifecycleChange,
    Member,
    MemberTag,
    Tag,
)
from members.services.picturing import set_avatar
from members.services.tagging import tag_member
from tests.cast import NOON, allow, put_in_state
from tests.members.pictures import picture


def page(shop, part: str = "member_page", *more) -> str:
    return reverse(f"admin:{part}", args=[shop["busy"].public_id, *more])


def text_of(answer) -> str:
    return answer.content.decode()


def state_of(shop) -> str:
    return Member.objects.get(pk=shop["busy"].pk).state


# --- What the card shows ------------------------------------------------------


@pytest.mark.parametrize("role", ["analyst", "marketer", "auditor"])
def test_those_without_the_right_read_no_personal_word(role, shop, signed_in):
    shown = text_of(signed_in(role).get(page(shop)))
    for secret in ("小尼尔", "爱吃花生", "花生酱"):
        assert secret not in shown
    assert "Green" not in shown
    assert "Tea" in shown


def test_support_reads_the_profile_and_where_it_is_from(shop, signed_in):
    shown = text_of(signed_in("support").get(page(shop)))
    assert "小尼尔" in shown
    assert "爱吃花生" in shown
    # Personal attributes stay masked until the form is opened.
    assert "花生酱" not in shown
    assert "Allergy" in shown
    assert "console · " in shown
    assert "The profile is complete to 75 %" in shown
    assert "still missing: city" in shown


def test_the_page_speaks_chinese_of_interests_and_choices(shop, signed_in):
    client = signed_in("support")
    client.cookies["django_language"] = "zh-hans"
    shown = text_of(client.get(page(shop)))
    assert "绿茶" in shown
    assert "m号" in shown


def test_the_picture_is_for_those_who_may_see_personal_data(shop, signed_in):
    url = page(shop, "member_picture")
    assert signed_in("support").get(url).status_code == 404
    set_avatar(member_id=shop["busy"].pk, data=picture(), now=NOON)
    answer = signed_in("support").get(url)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert "no-store" in answer["Cache-Control"]
    assert url in text_of(signed_in("support").get(page(shop)))
    for role in ("analyst", "marketer"):
        assert signed_in(role).get(url).status_code == 403
        assert url not in text_of(signed_in(role).get(page(shop)))


# --- Attributes ---------------------------------------------------------------


def test_staff_read_and_write_attributes(shop, signed_in):
    client, url = signed_in("support"), page(shop, "member_attributes")
    shown = text_of(client.get(url))
    assert "花生酱" in shown
    answer = client.post(url, {"size": "s", "allergy": ""})
    assert (answer.status_code, answer.url) == (302, page(shop))
    value = AttributeValue.objects.get(member=shop["busy"])
    assert (value.definition.code, value.value, value.source) == (
        "size",
        "s",
        "console",
    )
    entry = AuditEntry.objects.get(action="members.attributes")
    assert (entry.actor, entry.detail) == (
        "support",
        {"size": "changed", "allergy": "changed"},
    )


def test_a_wrong_attribute_writes_nothing(shop, signed_in):
    url = page(shop, "member_attributes")
    answer = signed_in("support").post(url, {"size": "xl", "allergy": "牛奶"})
    assert answer.status_code == 200
    values = {row.definition.code: row.value for row in AttributeValue.objects.all()}
    assert values == {"size": "m", "allergy": "花生酱"}


@pytest.mark.parametrize("role", [*sorted(set(ROLES) - {"support", "owner"}), "nobody"])
def test_attributes_are_closed_to_others(role, shop, signed_in):
    client, url = signed_in(role), page(shop, "member_attributes")
    assert client.get(url).status_code == 403
    assert client.post(url, {"size": "s"}).status_code == 403
    assert not AuditEntry.objects.filter(action="members.attributes").exists()


def test_an_attribute_in_use_keeps_its_type(shop, signed_in):
    client = signed_in("marketer")
    value = AttributeValue.objects.select_related("definition").first()
    url = reverse(
        "admin:members_attributedefinition_change", args=[value.definition_id]
    )
    form = client.get(url).context["adminform"].form
    assert not {"code", "kind", "is_personal"} & set(form.fields)
    assert {"name", "by_member", "purpose"} <= set(form.fields)


# --- Tags ---------------------------------------------------------------------


def test_a_tag_lasts_to_the_end_of_its_day(shop, signed_in):
    Tag.objects.create(name="VIP")
    client, last_day = signed_in("marketer"), today() + timedelta(days=3)
    url = page(shop, "member_action", "tag")
    asked = {"tag": "VIP", "until": last_day.isoformat()}
    assert "until the end of" in text_of(client.post(f"{url}?preview=1", asked))
    assert not MemberTag.objects.filter(tag__name="VIP").exists()

    for _click in range(2):
        assert client.post(url, asked).status_code == 302
    tagged = MemberTag.objects.get(tag__name="VIP")
    assert (tagged.member_id, tagged.author.username) == (shop["busy"].pk, "marketer")
    assert tagged.expires_at == day_bounds(last_day)[1]
    assert "VIP" in text_of(client.get(page(shop)))
    assert AuditEntry.objects.get(action="members.tag").detail == {"tag": "VIP"}

    client.post(page(shop, "member_untag"), {"tag": "VIP"})
    assert not MemberTag.objects.filter(tag__name="VIP").exists()
    assert AuditEntry.objects.get(action="members.untag").actor == "marketer"


@pytest.mark.parametrize(
    "asked",
    [
        {"tag": "unknown"},
        {"tag": "母婴", "until": "2020-01-01"},
        {"tag": "母婴", "until": "soon"},
    ],
)
def test_a_senseless_tag_writes_nothing(asked, shop, signed_in):
    before = list(MemberTag.objects.values_list("pk", "expires_at"))
    answer = signed_in("marketer").post(page(shop, "member_action", "tag"), asked)
    assert answer.status_code == 200
    assert list(MemberTag.objects.values_list("pk", "expires_at")) == before


def test_a_tag_whose_end_has_come_is_seen_nowhere(shop, signed_in):
    at = now()
    tagged = tag_member(
        member_id=shop["busy"].pk,
        name="past",
        author=None,
        now=at - timedelta(days=2),
        expires_at=at - timedelta(days=1),
    )
    client = signed_in("admin")
    assert "past" not in text_of(client.get(page(shop)))
    url = reverse("admin:members_member_changelist")
    found = client.get(f"{url}?tags__id__exact={tagged.tag_id}").context["cl"]
    assert found.result_count == 0
    MemberTag.objects.update(expires_at=at + timedelta(days=1))
    found = client.get(f"{url}?tags__id__exact={tagged.tag_id}").context["cl"]
    assert [row.pk for row in found.result_list] == [shop["busy"].pk]


# --- States -------------------------------------------------------------------


def test_freezing_opening_and_closing_a_membership(shop, signed_in):
    client = signed_in("support")
    for code, state in (("suspend", "frozen"), ("open", "active"), ("close", "closed")):
        url = page(shop, "member_action", code)
        assert url in text_of(client.get(page(shop)))
        answer = client.post(url, {"reason": "asked by phone", "request_key": "k"})
        assert answer.status_code == 302
        assert state_of(shop) == state
        assert url not in text_of(client.get(page(shop)))
    assert AuditEntry.objects.filter(action="members.move").count() == 5
    shown = text_of(client.get(page(shop, "member_timeline") + "?kind=state"))
    assert shown.count("asked by phone") == 3
    assert "too many returns" in shown


def test_a_dialog_says_what_a_state_means(shop, signed_in):
    url = page(shop, "member_action", "suspend")
    shown = text_of(signed_in("support").post(f"{url}?preview=1", {}))
    assert "becomes frozen and may then: earn points, sign in." in shown
    assert state_of(shop) == "active"


def test_a_move_that_is_not_allowed_is_explained_and_not_done(shop, signed_in):
    put_in_state(Member.objects.get(pk=shop["busy"].pk), "erased")
    answer = signed_in("support").post(
        page(shop, "member_action", "open"), {"reason": "come back", "request_key": "k"}
    )
    assert answer.status_code == 200
    assert "cannot become" in text_of(answer)
    assert state_of(shop) == "erased"


@pytest.mark.parametrize("code", ["suspend", "open", "close", "tag"])
@pytest.mark.parametrize("role", ["analyst", "finance", "auditor", "nobody"])
def test_deeds_without_the_permission_are_refused(code, role, shop, signed_in):
    client = signed_in(role)
    before = LifecycleChange.objects.count(), MemberTag.objects.count()
    data = {"reason": "because", "request_key": "k", "tag": "母婴"}
    assert client.post(page(shop, "member_action", code), data).status_code == 403
    assert client.post(page(shop, "member_untag"), {"tag": "母婴"}).status_code == 403
    assert (LifecycleChange.objects.count(), MemberTag.objects.count()) == before


def test_a_marketer_tags_but_moves_nobody(shop, signed_in):
    answer = signed_in("marketer").post(
        page(shop, "member_action", "suspend"),
        {"reason": "because", "request_key": "k"},
    )
    assert answer.status_code == 403
    assert state_of(shop) == "active"


# --- Attributes and their purpose ---------------------------------------------


def for_marketing(shop):
    """Let the attributes of a member be marketing's, without consent yet."""
    AttributeDefinition.objects.update(purpose="marketing")
    AttributeValue.objects.update(purpose="marketing")
    return shop["busy"]


def test_without_consent_staff_read_no_value(shop, signed_in):
    member = for_marketing(shop)
    allow(member, "email", granted=False, at=now())
    allow(member, "sms", granted=False, at=now())
    client = signed_in("support")
    shown = text_of(client.get(page(shop)))
    assert shown.count("not used: consent is missing") == 2
    assert "M <small" not in shown
    form = client.get(page(shop, "member_attributes"))
    assert not form.context["form"].fields
    assert "花生酱" not in text_of(form)


def test_without_consent_staff_overwrite_nothing_unseen(shop, signed_in):
    member = for_marketing(shop)
    allow(member, "email", granted=False, at=now())
    allow(member, "sms", granted=False, at=now())
    url = page(shop, "member_attributes")
    assert (
        signed_in("support").post(url, {"size": "s", "allergy": ""}).status_code == 302
    )
    values = {row.definition.code: row.value for row in AttributeValue.objects.all()}
    assert values == {"size": "m", "allergy": "花生酱"}


def test_a_consent_brings_them_back(shop, signed_in):
    member = for_marketing(shop)
    allow(member, "sms", granted=True, at=now())
    client = signed_in("support")
    assert "not used" not in text_of(client.get(page(shop)))
    form = client.get(page(shop, "member_attributes")).context["form"]
    assert form.initial == {"size": "m", "allergy": "花生酱"}

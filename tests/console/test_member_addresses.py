"""The box of addresses on a member's page: masked, and in clear for a reason."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.console.queries.addresses import written_out
from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from members.models import Address, RevealBudget
from members.services.addressing import add_address

SEEN_BY = {"support", "owner"}
WORK = {
    "label": "公司",
    "recipient": "欧阳静",
    "phone": "138 0000 7788",
    "country": "CN",
    "province": "上海市",
    "city": "上海市",
    "district": "徐汇区",
    "street": "虹桥路 2 号",
    "postcode": "200030",
}
CLEAR = ["公司", "欧阳静", "13800007788", "徐汇区", "虹桥路", "200030"]


@pytest.fixture
def work(shop):
    """Return a second address of the busy member, the default now."""
    return add_address(
        member_id=shop["busy"].pk, lines=WORK, is_default=True, now=now()
    )


def page_of(member) -> str:
    return reverse("admin:member_page", args=[member.public_id])


def shown_to(client, member) -> str:
    return client.get(page_of(member)).content.decode()


def dialog(member, address) -> str:
    return reverse("admin:member_reveal_address", args=[member.public_id, address])


def nothing_was_taken():
    deeds = AuditEntry.objects.filter(action="members.reveal")
    return not deeds.exists() and not RevealBudget.objects.exists()


@pytest.mark.parametrize("role", [*sorted(ROLES), "nobody"])
def test_the_box_is_for_those_who_may_see_it(role, work, shop, signed_in):
    shown = shown_to(signed_in(role), shop["busy"])
    for word in ("cs-addresses", "欧** · 138****7788 · CN 上海市 上海市 ***"):
        assert (word in shown) is (role in SEEN_BY), word
    assert not [word for word in CLEAR if word in shown]


def test_the_default_comes_first_and_says_so(work, shop, signed_in):
    shown = shown_to(signed_in("support"), shop["busy"])
    first, second = shown.index("Address 2 <small"), shown.index("Address 1</dt>")
    assert first < second
    assert shown.count(">default<") == 1
    assert 'aria-label="Show Address 2"' in shown


def test_a_member_without_any_has_a_sentence(shop, signed_in):
    shown = shown_to(signed_in("support"), shop["members"][5])
    assert "No address yet. Members add theirs in the app or at checkout." in shown


def test_more_addresses_cost_no_more_queries(work, shop, signed_in):
    client = signed_in("support")
    shown_to(client, shop["busy"])
    with CaptureQueriesContext(connection) as two:
        shown_to(client, shop["busy"])
    for _n in range(5):
        add_address(member_id=shop["busy"].pk, lines=WORK, is_default=False, now=now())
    with CaptureQueriesContext(connection) as seven:
        assert shown_to(client, shop["busy"]).count("欧**") == 6
    assert len(two) == len(seven)


def test_in_clear_it_needs_a_reason_and_leaves_one(work, shop, signed_in):
    client, url = signed_in("support"), dialog(shop["busy"], work.public_id)
    asked = client.get(url).content.decode()
    assert f'hx-post="{url}"' in asked
    for reason in ("", "  ", "ab"):
        answer = client.post(url, {"reason": reason}).content.decode()
        assert not [word for word in CLEAR if word in answer]
        assert 'aria-invalid="true"' in answer
    assert nothing_was_taken()

    answer = client.post(url, {"reason": "parcel came back"})
    shown = answer.content.decode()
    assert not [word for word in CLEAR if word not in shown]
    assert "欧阳静<br>+8613800007788<br>CN 上海市 上海市 徐汇区<br>虹桥路 2 号" in shown
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="members.reveal")
    assert (entry.actor, entry.reason, entry.object_id, entry.detail) == (
        "support",
        "parcel came back",
        shop["busy"].public_id,
        {"field": "address", "address": work.public_id},
    )
    assert RevealBudget.objects.get().used == 1


def test_a_spent_budget_shows_nothing(work, shop, signed_in, settings):
    settings.REVEALS_PER_DAY = 0
    url = dialog(shop["busy"], work.public_id)
    answer = signed_in("support").post(url, {"reason": "parcel came back"})
    assert "is used up" in answer.content.decode()
    assert "虹桥路" not in answer.content.decode()
    assert nothing_was_taken()


@pytest.mark.parametrize("role", [*sorted(set(ROLES) - SEEN_BY), "nobody"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_dialog_is_closed_to_others(role, method, work, shop, signed_in):
    url = dialog(shop["busy"], work.public_id)
    answer = getattr(signed_in(role), method)(url, {"reason": "curious"})
    assert answer.status_code == 403
    assert nothing_was_taken()


def test_an_address_of_somebody_else_is_not_shown(work, shop, signed_in):
    url = dialog(shop["members"][5], work.public_id)
    answer = signed_in("support").post(url, {"reason": "parcel came back"})
    assert "There is no such address." in answer.content.decode()
    assert "虹桥路" not in answer.content.decode()
    assert nothing_was_taken()


def test_what_an_address_says_is_text(shop, signed_in):
    tag = add_address(
        member_id=shop["busy"].pk,
        lines={**WORK, "street": "<b>2</b>"},
        is_default=False,
        now=now(),
    )
    url = dialog(shop["busy"], tag.public_id)
    answer = signed_in("support").post(url, {"reason": "parcel came back"})
    assert "&lt;b&gt;2&lt;/b&gt;" in answer.content.decode()


def test_empty_lines_are_left_out():
    bare = Address(recipient="A", street="1 High St", country="GB")
    assert written_out(bare) == "A\nGB\n1 High St"

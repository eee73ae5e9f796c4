"""Four eyes at the console: asking, deciding, taking back, and who may."""

import uuid

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.models import Approval, AuditEntry
from loyalty.queries.points import points_summary
from members.models import User
from orders.models import Wallet


def deed(shop, code):
    return reverse("admin:member_action", args=[shop["busy"].public_id, code])


def page(approval):
    return reverse("admin:shared_approval_change", args=[approval.pk])


def verb(approval, name):
    return reverse(f"admin:approval_{name}", args=[approval.pk])


def balance(shop):
    return Wallet.objects.get(pk=shop["busy"].pk).balance_minor


def text_of(answer):
    return answer.content.decode()


@pytest.fixture
def large(shop):
    """What finance asked for: ¥2,000.00 into the wallet of the busy member."""
    return Approval.objects.get()


@pytest.fixture
def second(shop):
    """Make the loyalty manager's login one of finance, too."""
    user = shop["users"]["loyalty manager"]
    user.groups.add(*shop["users"]["finance"].groups.all())
    return "loyalty manager"


def test_a_large_payment_is_announced_and_waits(shop, signed_in):
    client, before = signed_in("finance"), balance(shop)
    data = {"amount_minor": "1000.01", "reason": "goodwill", "request_key": "one"}
    preview = client.post(deed(shop, "pay_in") + "?preview=1", data)
    assert "Somebody else must approve." in text_of(preview)
    for _click in range(2):
        answer = client.post(deed(shop, "pay_in"), data, follow=True)
        assert "waits for the approval of somebody else" in text_of(answer)
    assert balance(shop) == before
    asked = Approval.objects.get(source="staff:one")
    assert (asked.author.username, asked.params["amount_minor"]) == ("finance", 100_001)
    small = {**data, "amount_minor": "1000.00"}
    preview = client.post(deed(shop, "pay_in") + "?preview=1", small)
    assert "Somebody else must approve." not in text_of(preview)


def test_many_points_wait_for_another_loyalty_manager(shop, signed_in):
    client, member = signed_in("support"), shop["busy"]
    before = points_summary(member.pk, shop["entry"].occurred_at).available
    data = {
        "points": 10_001,
        "reason_code": "goodwill",
        "reason": "goodwill",
        "request_key": str(uuid.uuid4()),
    }
    assert client.post(deed(shop, "grant"), data).status_code == 302
    asked = Approval.objects.get(kind="loyalty.points")
    assert "Grant 10,001 points." in text_of(client.get(page(asked)))
    assert client.post(verb(asked, "approve")).status_code == 302, "told in words"
    assert signed_in("finance").post(verb(asked, "approve")).status_code == 403
    assert signed_in("loyalty manager").post(verb(asked, "approve")).status_code == 302
    asked.refresh_from_db()
    assert (asked.state, asked.decider.username) == ("approved", "loyalty_manager")
    after = points_summary(member.pk, asked.decided_at).available
    assert after == before + 10_001


def test_two_people_pay_into_a_wallet(shop, large, second, signed_in):
    author, other, before = signed_in("finance"), signed_in(second), balance(shop)
    own = text_of(author.get(page(large)))
    assert "Withdraw" in own
    assert verb(large, "approve") not in own
    told = text_of(author.post(verb(large, "approve"), follow=True))
    assert "Somebody else must approve what you asked for." in told
    assert balance(shop) == before
    shown = text_of(other.get(page(large)))
    assert "Pay ¥2,000.00 into the wallet." in shown
    assert verb(large, "approve") in shown
    assert other.get(verb(large, "approve")).status_code == 405
    for _click in range(2):
        other.post(verb(large, "approve"), {"note": "seen the letter"})
    large.refresh_from_db()
    assert (large.state, large.decider.username, large.note) == (
        *("approved", "loyalty_manager"),
        "seen the letter",
    )
    assert balance(shop) == before + 200_000
    entry = AuditEntry.objects.get(action="approvals.approve")
    assert (entry.actor, entry.reason) == ("loyalty_manager", "seen the letter")


def test_refusing_needs_a_reason(shop, large, second, signed_in):
    other, before = signed_in(second), balance(shop)
    told = text_of(other.post(verb(large, "reject"), {"note": " "}, follow=True))
    assert "Say why you decide so." in told
    other.post(verb(large, "reject"), {"note": "too much"})
    large.refresh_from_db()
    assert (large.state, large.note, balance(shop)) == ("rejected", "too much", before)


def test_only_its_author_takes_it_back(large, second, signed_in):
    assert signed_in(second).post(verb(large, "withdraw")).status_code == 403
    signed_in("finance").post(verb(large, "withdraw"))
    large.refresh_from_db()
    assert large.state == "withdrawn"
    assert verb(large, "approve") not in text_of(signed_in(second).get(page(large)))


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_sees_and_who_decides(role, shop, large, signed_in):
    """Finance asked: of the roles the owner alone has both rights and is another."""
    User.objects.filter(username="finance").update(username="somebody")
    rights, client, before = set(ROLES.get(role, ())), signed_in(role), balance(shop)
    seen = client.get(page(large)).status_code
    assert seen == (200 if "shared.view_approval" in rights else 403)
    for name in ("reject", "approve"):
        answer = client.post(verb(large, name), {"note": ""})
        may = {"shared.change_approval", "orders.add_walletentry"} <= rights
        assert answer.status_code == (302 if may else 403), name
    assert balance(shop) == before + (200_000 if role == "owner" else 0)


def test_strangers_are_sent_to_the_sign_in(large, client):
    for name in ("approve", "reject", "withdraw"):
        assert client.post(verb(large, name)).status_code == 302
    large.refresh_from_db()
    assert large.state == "waiting"

"""Tiers for the shop's other programs."""

from datetime import timedelta

import pytest

from crm.shared.clock import now
from crm.shared.models import AuditEntry
from loyalty.services.posting import open_accounts
from tests.loyalty.books import account_of
from tests.members.api.test_server import caller, code_of


def url(member_id):
    return f"/api/server/v1/members/{member_id}/tier"


@pytest.fixture
def known(alice):
    open_accounts(member_ids=[alice.pk], now=now())
    return alice


@pytest.fixture
def erp(db):
    return caller("members:read", "members:write")


def pin(client, member, **body):
    body = {"tier": "gold", "reason": "partner program"} | body
    return client.put(url(member.public_id), body, format="json")


@pytest.mark.parametrize(
    ("method", "scope"), [("get", "members:write"), ("put", "members:read")]
)
def test_each_method_takes_its_own_scope(known, method, scope):
    client = caller(scope)
    assert getattr(client, method)(url(known.public_id)).status_code == 403


def test_t12_another_system_reads_where_a_member_stands(erp, known):
    body = erp.get(url(known.public_id)).json()
    assert body["tier"]["code"] == "member"
    assert body["counted"] == {
        "metric": "value",
        "window": "days",
        "window_days": None,
        "value": 0,
        "to_next": 50_000,
        "to_keep": 0,
        "also_to_next": None,
        "also_to_keep": None,
    }
    assert body["term"]["projected_tier"] is None
    assert erp.get(url("mem_" + "0" * 26)).status_code == 404


def test_t10_another_system_pins_and_lets_go(erp, known):
    until = now() + timedelta(days=30)

    answer = pin(erp, known, until=until.isoformat())

    assert answer.status_code == 200, answer.content
    assert answer.json()["term"]["is_pinned"] is True
    assert account_of(known).tier.code == "gold"
    entry = AuditEntry.objects.get(action="tier.pin")
    assert (entry.actor, entry.reason) == (
        f"key:{erp.key.public_id}",
        "partner program",
    )

    assert pin(erp, known, tier=None).json()["tier"]["code"] == "member"
    assert code_of(pin(erp, known, tier=None, reason="again")) == (
        409,
        "tier_not_pinned",
    )


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"tier": "iron"}, "tier_unknown"),
        ({"ladder": "none"}, "tier_unknown"),
        ({"until": "2020-01-01T00:00:00Z"}, "pin_ends_in_past"),
    ],
)
def test_what_cannot_be_is_refused(erp, known, wrong, code):
    assert code_of(pin(erp, known, **wrong)) == (422, code)

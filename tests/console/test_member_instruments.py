"""The box of cards and wallets on a member's page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from members.models import Verification
from members.services.instruments import (
    bind_instrument,
    take_verdict,
    verify_instrument,
)
from members.verifiers.test import signed_verdict

TOKEN = "tok_1NirD82eZvKYlo2C"
SEEN_BY = {"support", "finance", "auditor", "owner"}


@pytest.fixture
def card(shop):
    """Return a card of the busy member that was verified."""
    member = shop["busy"]
    row = bind_instrument(
        member_id=member.pk,
        verifier="test",
        kind="card",
        token=TOKEN,
        brand="UnionPay",
        last_four="1148",
        now=now(),
    )
    verify_instrument(member_id=member.pk, instrument=row.public_id, now=now())
    body, headers = signed_verdict(
        key=Verification.objects.get().public_id, decided_at=now()
    )
    take_verdict(verifier="test", body=body, headers=headers, now=now())
    return row


def shown_to(client, shop) -> str:
    url = reverse("admin:member_page", args=[shop["busy"].public_id])
    return client.get(url).content.decode()


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_box_is_for_those_who_may_see_it(role, card, shop, signed_in):
    shown = shown_to(signed_in(role), shop)
    for word in ("cs-instruments", "•••• 1148", "UnionPay"):
        assert (word in shown) is (role in SEEN_BY), word
    assert TOKEN not in shown


def test_the_box_says_where_the_verification_stands(card, shop, signed_in):
    shown = shown_to(signed_in("support"), shop)
    assert '<dd class="cs-good">verified' in shown


def test_a_member_without_any_has_a_sentence(shop, signed_in):
    assert "No card or wallet is bound." in shown_to(signed_in("support"), shop)


def test_more_instruments_cost_no_more_queries(card, shop, signed_in):
    client = signed_in("support")
    shown_to(client, shop)
    with CaptureQueriesContext(connection) as one:
        shown_to(client, shop)
    for n in range(5):
        bind_instrument(
            member_id=shop["busy"].pk,
            verifier="test",
            kind="alipay",
            token=f"tok_{n}",
            now=now(),
        )
    with CaptureQueriesContext(connection) as many:
        assert shown_to(client, shop).count("Alipay") == 5
    assert len(many) == len(one)

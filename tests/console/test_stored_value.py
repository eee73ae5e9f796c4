"""Payments, wallets and gift cards in the console."""

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from orders.models import GiftCard, Payment, Wallet, WalletEntry
from orders.rules.gift_codes import in_groups


def deed(shop, code):
    return reverse("admin:member_action", args=[shop["busy"].public_id, code])


def balance(shop):
    return Wallet.objects.get(pk=shop["busy"].pk).balance_minor


def test_finance_pays_into_a_wallet_once_and_it_is_written_down(shop, signed_in):
    client, before = signed_in("finance"), balance(shop)
    data = {"amount_minor": "12.30", "reason": "goodwill", "request_key": "one-click"}
    preview = client.post(deed(shop, "pay_in") + "?preview=1", data)
    assert "¥150.00 → ¥162.30" in preview.content.decode()
    for _click in range(2):
        assert client.post(deed(shop, "pay_in"), data).status_code == 302
    assert balance(shop) == before + 1_230
    entry = WalletEntry.objects.get(source="staff:one-click")
    assert (entry.kind, entry.actor, entry.reason) == ("top_up", "finance", "goodwill")
    assert AuditEntry.objects.filter(action="wallet.top_up", actor="finance").exists()


@pytest.mark.parametrize(
    ("code", "amount"),
    [
        *(("pay_in", bad) for bad in ("", "0", "-1", "1.234", "1e3", "abc")),
        ("pay_out", "150.01"),
    ],
)
def test_bad_amounts_move_nothing(shop, signed_in, code, amount):
    before = balance(shop)
    answer = signed_in("finance").post(
        deed(shop, code), {"amount_minor": amount, "reason": "x y", "request_key": "k"}
    )
    assert answer.status_code in {200, 409, 422}
    assert balance(shop) == before


@pytest.mark.parametrize("role", sorted({*ROLES, "nobody"} - {"finance", "owner"}))
def test_no_other_role_moves_stored_value(role, shop, signed_in):
    before = balance(shop)
    for code in ("pay_in", "pay_out"):
        answer = signed_in(role).post(
            deed(shop, code),
            {"amount_minor": "1.00", "reason": "because", "request_key": "k"},
        )
        assert answer.status_code == 403
    assert balance(shop) == before


def test_a_code_is_shown_for_a_reason(shop, signed_in):
    card = GiftCard.objects.get(state="issued")
    url, client = (
        reverse("admin:gift_card_reveal", args=[card.pk]),
        signed_in("support"),
    )
    code = in_groups(card.code)
    assert code not in client.get(url).content.decode()
    assert code not in client.post(url, {"reason": " "}).content.decode()
    assert not AuditEntry.objects.filter(action="gift_cards.reveal").exists()
    answer = client.post(url, {"reason": "the mail was lost"})
    assert code in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="gift_cards.reveal")
    assert (entry.actor, entry.object_id, entry.reason) == (
        *("support", card.public_id),
        "the mail was lost",
    )


@pytest.mark.parametrize("role", sorted({*ROLES, "nobody"} - {"support", "owner"}))
def test_no_other_role_sees_a_code(role, shop, signed_in):
    card = GiftCard.objects.get(state="issued")
    url = reverse("admin:gift_card_reveal", args=[card.pk])
    client = signed_in(role)
    assert client.get(url).status_code == 403
    assert client.post(url, {"reason": "curious"}).status_code == 403
    assert not AuditEntry.objects.filter(action="gift_cards.reveal").exists()


def test_codes_stand_on_no_other_page(shop, signed_in):
    card, client = GiftCard.objects.get(state="issued"), signed_in("admin")
    for url in (
        reverse("admin:orders_giftcard_changelist"),
        reverse("admin:orders_giftcard_change", args=[card.pk]),
    ):
        text = client.get(url).content.decode()
        assert card.public_id in text
        assert card.code not in text
        assert in_groups(card.code) not in text


def test_finance_has_a_provider_asked_again(shop, signed_in):
    open_payment = Payment.objects.create(
        order=Payment.objects.first().order,
        provider="test",
        amount_minor=100,
        created_at=now(),
    )
    closed = Payment.objects.filter(state="captured").first()
    data = {"action": "ask_again", "_selected_action": [open_payment.pk, closed.pk]}
    url = reverse("admin:orders_payment_changelist")
    for role, due in (("support", False), ("auditor", False), ("finance", True)):
        signed_in(role).post(url, data)
        open_payment.refresh_from_db()
        assert (open_payment.ask_due_at is not None) is due
    asked = AuditEntry.objects.filter(action="payments.ask_again")
    assert [entry.actor for entry in asked] == ["finance"]

"""The refund wizard, statements and returns by staff."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import translation

from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from orders.models import Order, Payment, Refund, RefundTender, ReturnRequest
from orders.providers.test import TestProvider
from orders.services.refunding import refund_order
from orders.services.return_requests import Wish, request_return
from orders.services.returning import send_due_refunds
from tests.cast import make_variant

HASH = re.compile(r'name="quote_hash" value="([0-9a-f]{64})"')


@pytest.fixture
def page(shop):
    """Return the order and its wizard; its one line is two units of 194.00 net."""
    sale = shop["order"]
    Refund.objects.filter(order=sale).delete()
    return SimpleNamespace(
        order=sale, url=reverse("admin:order_refund", args=[sale.pk])
    )


def preview(client, page, **data) -> str:
    answer = client.post(page.url + "?preview=1", {"units-1": "1", **data})
    assert answer.status_code == 200
    return answer.content.decode()


def refund(client, page, **data):
    sent = {"units-1": "1", "reason": "broken", "request_key": "one", **data}
    return client.post(page.url, sent)


# --- The wizard ---------------------------------------------------------------


def test_the_effects_come_first_in_sentences_with_numbers(page, signed_in):
    text = preview(signed_in("support"), page)
    # Two units of 199.00, 10.00 off: half of 388.00.
    assert text.count("¥194.00") >= 2, "the line, and what goes back"
    assert "<svg" in text
    assert page.order.number in text, "what the member will read"
    assert HASH.search(text)
    assert not Refund.objects.exists()


def test_a_preview_takes_few_statements(page, signed_in, django_assert_max_num_queries):
    client = signed_in("support")
    preview(client, page)
    # Session, login and rights; order and lines; the quote; points, tiers, coupons.
    with django_assert_max_num_queries(24):
        preview(client, page)


def test_a_refund_needs_units_and_a_reason(page, signed_in):
    client = signed_in("support")
    seen = HASH.search(preview(client, page)).group(1)
    for data in (
        {"reason": " "},
        {"units-1": "3"},
        {"units-1": "0"},
        {"units-1": "-1"},
        {"units-1": "", "units-9": "1"},
        {"quote_hash": ""},
    ):
        answer = refund(client, page, **{"quote_hash": seen, **data})
        assert answer.status_code == 200, data
    assert not Refund.objects.exists()


def test_a_double_click_refunds_once(page, signed_in):
    client = signed_in("support")
    seen = HASH.search(preview(client, page)).group(1)
    for _click in range(2):
        assert refund(client, page, quote_hash=seen).status_code == 302
    made = Refund.objects.get()
    assert (made.amount_minor, made.reason, made.actor, made.quote_hash) == (
        19_400,
        "broken",
        "support",
        seen,
    )
    assert AuditEntry.objects.filter(action="orders.refund").count() == 1


def test_what_changed_since_it_was_shown_is_shown_again(page, signed_in):
    client = signed_in("support")
    answer = refund(client, page, quote_hash="0" * 64)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'role="alert"' in text
    assert not Refund.objects.exists()
    agreed = HASH.search(text).group(1)
    assert refund(client, page, quote_hash=agreed).status_code == 302


def test_r5_the_kind_of_reason_decides_about_freight(page, signed_in):
    Order.objects.filter(pk=page.order.pk).update(freight_minor=0)
    client = signed_in("support")
    with translation.override("en"):
        text = preview(client, page, freight="on")
    assert "quote_hash" not in text, "refused, in words"
    assert "quote_hash" in preview(client, page, freight="on", reason_code="damaged")


@pytest.mark.parametrize("role", ["analyst", "marketer", "auditor", "loyalty manager"])
def test_refunds_are_refused_without_the_permission(role, page, signed_in):
    client = signed_in(role)
    assert refund(client, page).status_code == 403
    assert client.post(page.url + "?preview=1").status_code == 403
    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    ("language", "name"), [("en", "test provider"), ("zh-hans", "测试支付")]
)
def test_the_way_back_has_a_name(page, signed_in, language, name):
    Payment.objects.filter(order=page.order, state="captured").update(provider="test")
    there = {"headers": {"accept-language": language}}
    answer = signed_in("support").post(
        page.url + "?preview=1", {"units-1": "1"}, **there
    )
    text = answer.content.decode()
    assert name in text
    assert ">test<" not in text


# --- Statements, and what a provider refused -----------------------------------


@pytest.fixture
def refused(page, monkeypatch):
    """Return a refund whose only tender was refused by its provider."""
    paid = Payment.objects.get(order=page.order, state="captured")
    Payment.objects.filter(pk=paid.pk).update(provider="test", refunded_minor=0)
    monkeypatch.setattr(TestProvider, "refuses", True)
    made = refund_order(
        order_id=page.order.pk,
        items={1: 1},
        reason="broken",
        actor="dana",
        request_key="k",
        now=now(),
    )
    send_due_refunds(now=now())
    monkeypatch.setattr(TestProvider, "refuses", False)
    monkeypatch.setattr(TestProvider, "given_back", {})
    return made


def statement(refund) -> str:
    return reverse("admin:orders_refund_change", args=[refund.pk])


def mend(client, refund, **data):
    url = reverse("admin:refund_mend", args=[refund.pk])
    return client.post(url, {"tender": refund.tenders.get().pk, **data})


def test_r22_the_statement_adds_up_on_paper(refused, signed_in):
    text = signed_in("auditor").get(statement(refused)).content.decode()
    assert text.count("¥194.00") == 3, "line, refund, tender"
    assert "Test provider <span data-value>¥194.00</span>" in text
    assert "refund_mend" not in text
    assert 'name="deed"' not in text, "an auditor changes nothing"
    assert (
        'name="deed"' in signed_in("finance").get(statement(refused)).content.decode()
    )


def test_r18_staff_ask_a_provider_again(refused, signed_in):
    client = signed_in("finance")
    assert mend(client, refused, deed="retry").status_code == 302
    assert send_due_refunds(now=now() + timedelta(seconds=1)) == 1
    refused.refresh_from_db()
    assert refused.state == "completed"
    assert TestProvider.given_back == {refused.public_id: 19_400}
    answer = mend(client, refused, deed="retry")
    assert answer.status_code == 200, "it did not refuse"


def test_r4_stored_value_needs_the_members_consent(refused, signed_in, monkeypatch):
    monkeypatch.setattr(
        "crm.wiring.PAYMENT_PROVIDERS",
        {"test": "tests.orders.wallets.Silent", "wallet": "tests.orders.wallets.Books"},
    )
    client = signed_in("finance")
    assert mend(client, refused, deed="redirect", consent=" ").status_code == 200
    tender = RefundTender.objects.get()
    assert (tender.state, tender.to_wallet) == ("refused", False)
    said = "By phone, 21 November"
    assert mend(client, refused, deed="redirect", consent=said).status_code == 302
    assert send_due_refunds(now=now() + timedelta(seconds=1)) == 1
    tender.refresh_from_db()
    assert (tender.state, tender.to_wallet, tender.consent) == ("done", True, said)
    entry = AuditEntry.objects.get(action="orders.refund_redirected")
    assert (entry.actor, entry.reason) == ("finance", said)


def test_a_refused_refund_may_be_withdrawn(refused, page, signed_in):
    client = signed_in("finance")
    assert mend(client, refused, deed="withdraw", consent="wrong").status_code == 302
    refused.refresh_from_db()
    assert refused.state == "failed"
    assert page.order.lines.get().refunded_quantity == 0


@pytest.mark.parametrize("deed", ["retry", "redirect", "withdraw", "forge"])
def test_mending_needs_the_permission_to_refund(refused, signed_in, deed):
    assert mend(signed_in("auditor"), refused, deed=deed).status_code == 403
    assert RefundTender.objects.get().state == "refused"


# --- Returns ------------------------------------------------------------------


@pytest.fixture
def asked(page):
    """Return a return of one unit, with words."""
    wish = Wish(
        kind="return", items={1: 1}, reason_code="damaged", words="It arrived broken."
    )
    return request_return(order_id=page.order.pk, wish=wish, actor="member", now=now())


def look(client, request) -> str:
    url = reverse("admin:orders_returnrequest_change", args=[request.pk])
    return client.get(url).content.decode()


def take(client, request, step, **data):
    url = reverse("admin:return_step", args=[request.pk])
    return client.post(url, {"step": step, **data})


def test_r16_a_return_walks_through_the_console(asked, signed_in):
    client = signed_in("support")
    assert take(client, asked, "approve", note="Send it back.").status_code == 302
    assert take(client, asked, "receive").status_code == 302
    found = {"units-1": "1", "condition-1": "damaged"}
    assert take(client, asked, "inspect", **found).status_code == 302
    seen = HASH.search(look(client, asked)).group(1)
    assert take(client, asked, "refund", quote_hash=seen).status_code == 302
    asked.refresh_from_db()
    assert (asked.state, asked.refund.amount_minor) == ("refunded", 19_400)
    assert asked.refund.quote_hash == seen


def test_r16_a_refusal_without_a_reason_is_shown_again(asked, signed_in):
    client = signed_in("support")
    answer = take(client, asked, "refuse", note="")
    assert (answer.status_code, 'role="alert"' in answer.content.decode()) == (
        200,
        True,
    )
    asked.refresh_from_db()
    assert asked.state == "requested"


def test_words_of_a_member_are_shown_to_who_may_read_them(asked, signed_in):
    assert "It arrived broken." in look(signed_in("support"), asked)
    for role in ("analyst", "auditor"):
        assert "It arrived broken." not in look(signed_in(role), asked)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "support"])
def test_returns_are_answered_by_support_alone(asked, signed_in, role):
    held = "orders.change_returnrequest" in ROLES[role]
    answer = take(signed_in(role), asked, "approve")
    assert answer.status_code == (302 if held else 403)
    assert (ReturnRequest.objects.get(pk=asked.pk).state == "approved") is held


@pytest.fixture
def for_dearer(page):
    """Return a unit of 194.00 net that came back for one of 299.00 list."""
    make_variant("DEARER", 29_900, on_hand=2)
    wish = Wish(
        kind="exchange", items={1: 1}, reason_code="other", wanted={1: "DEARER"}
    )
    return request_return(order_id=page.order.pk, wish=wish, actor="member", now=now())


def test_r14_the_page_says_what_an_exchange_costs_and_waits_for_it(
    for_dearer, signed_in
):
    client = signed_in("support")
    take(client, for_dearer, "approve")
    take(client, for_dearer, "receive")
    take(client, for_dearer, "inspect", **{"units-1": "1", "condition-1": "as_new"})
    text = look(client, for_dearer)
    # 299.00 less the 5.00 that lowered the old unit, less what it cost.
    assert "¥294.00" in text
    assert "¥100.00" in text
    stale = take(client, for_dearer, "exchange", exchange_hash="0" * 64)
    assert 'role="alert"' in stale.content.decode()
    seen = re.search(r'name="exchange_hash" value="([0-9a-f]{64})"', text).group(1)
    assert take(client, for_dearer, "exchange", exchange_hash=seen).status_code == 302
    for_dearer.refresh_from_db()
    new = for_dearer.refund.replaced_by
    assert (new.state, new.total_minor - new.paid_minor) == ("pending", 10_000)
    text = look(client, for_dearer)
    assert new.number in text
    assert 'name="step"' not in text
    assert take(client, for_dearer, "refund").status_code == 200, "refused in words"
    for_dearer.refresh_from_db()
    assert for_dearer.state == "inspected"

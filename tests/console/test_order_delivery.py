"""Where an order goes: masked on its page, in clear for a reason."""

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.models import AuditEntry
from members.models import RevealBudget
from orders.models import OrderAddress

SEEN_BY = {"support", "owner"}
CLEAR = ["欧阳静", "13800007788", "徐汇区", "虹桥路", "200030"]


@pytest.fixture
def going(shop):
    """Return the order, on its way to somebody."""
    OrderAddress.objects.create(
        order=shop["order"],
        recipient="欧阳静",
        phone="+8613800007788",
        country="CN",
        province="上海市",
        city="上海市",
        district="徐汇区",
        street="虹桥路 <b>2</b> 号",
        postcode="200030",
    )
    return shop["order"]


def page(order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def dialog(order) -> str:
    return reverse("admin:order_reveal_address", args=[order.pk])


def text_of(answer) -> str:
    return answer.content.decode()


def nothing_was_taken() -> bool:
    deeds = AuditEntry.objects.filter(action__contains="reveal")
    return not deeds.exists() and not RevealBudget.objects.exists()


@pytest.mark.parametrize("role", [*sorted(ROLES), "nobody"])
def test_masked_with_a_way_to_more_for_those_who_may(role, going, signed_in):
    shown = text_of(signed_in(role).get(page(going)))
    for word in ("欧** · 138****7788 · CN 上海市 上海市 ***", dialog(going)):
        assert (word in shown) is (role in SEEN_BY), word
    assert not [word for word in CLEAR if word in shown]


def test_in_clear_it_needs_a_reason_and_leaves_one(going, signed_in):
    client, url = signed_in("support"), dialog(going)
    assert f'hx-post="{url}"' in text_of(client.get(url))
    for reason in ("", "  ", "ab"):
        answer = text_of(client.post(url, {"reason": reason}))
        assert not [word for word in CLEAR if word in answer]
        assert 'aria-invalid="true"' in answer
    assert nothing_was_taken()

    answer = client.post(url, {"reason": "the courier asks"})
    shown = text_of(answer)
    assert not [word for word in CLEAR if word not in shown]
    assert "虹桥路 &lt;b&gt;2&lt;/b&gt; 号" in shown
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="orders.reveal")
    assert (entry.actor, entry.reason, entry.object_id, entry.detail) == (
        *("support", "the courier asks", going.public_id),
        {"field": "address"},
    )
    assert RevealBudget.objects.get().used == 1


def test_a_spent_budget_shows_nothing(going, signed_in, settings):
    settings.REVEALS_PER_DAY = 0
    answer = signed_in("support").post(dialog(going), {"reason": "the courier asks"})
    assert "is used up" in text_of(answer)
    assert "虹桥路" not in text_of(answer)
    assert nothing_was_taken()


@pytest.mark.parametrize("role", [*sorted(set(ROLES) - SEEN_BY), "nobody"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_dialog_is_closed_to_others(role, method, going, signed_in):
    answer = getattr(signed_in(role), method)(dialog(going), {"reason": "curious"})
    assert answer.status_code == 403
    assert nothing_was_taken()


def test_an_order_without_address_and_no_order_show_nothing(shop, signed_in, client):
    order, support = shop["order"], signed_in("support")
    answer = support.post(dialog(order), {"reason": "the courier asks"})
    assert "This order has no address any more." in text_of(answer)
    gone = reverse("admin:order_reveal_address", args=[order.pk + 999])
    assert support.get(gone).status_code == 404
    assert client.get(dialog(order)).status_code == 302
    assert nothing_was_taken()

"""No service moves a coupon otherwise than C1 says, whatever state it finds."""

import pytest

from campaigns.models import Coupon
from campaigns.rules.coupons import MOVES
from campaigns.services.giving import offer_coupon
from campaigns.services.holding import (
    hold_coupon,
    release_order,
    return_order,
    take_back_hold,
    use_coupons,
)
from campaigns.services.issuing import issue_coupon
from campaigns.services.revoking import revoke_coupons
from crm.shared.errors import Refusal
from orders.models import Order
from tests.cast import NOON

#: Deed -> the state it finds -> the state it leaves; other states stay.
DEEDS = {
    "hold": {"available": "held"},
    "use": {"held": "used"},
    "release": {"held": "available"},
    "return": {"held": "available", "used": "available"},
    "take back": {"held": "available"},
    "revoke": {"available": "revoked"},
    "give away": {},
}


def do(deed, coupon, order, dana):
    own = {"coupon": coupon.public_id, "member_id": coupon.member_id, "now": NOON}
    if deed == "hold":
        hold_coupon(coupon=coupon.public_id, order_id=order.pk, now=NOON)
    elif deed == "use":
        use_coupons(order_id=order.pk, now=NOON)
    elif deed == "release":
        release_order(order_id=order.pk)
    elif deed == "return":
        Order.objects.filter(pk=order.pk).update(state="refunded")
        return_order(order_id=order.pk, now=NOON)
    elif deed == "take back":
        take_back_hold(**own)
    elif deed == "revoke":
        revoke_coupons(
            template_id=coupon.template_id, actor=dana, reason="test", now=NOON
        )
    else:
        offer_coupon(**own, is_offered=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", DEEDS)
def test_c1_every_deed_from_every_state(deed, template, alice, dana):
    template.stock = None
    template.is_transferable = True
    template.save()
    order = Order.objects.create(
        number="SO1",
        member=alice,
        currency="CNY",
        goods_minor=1,
        total_minor=1,
        placed_at=NOON,
    )
    coupon = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )
    for state in Coupon.State.values:
        Coupon.objects.update(
            state=state, order=order if state in {"held", "used"} else None
        )
        Order.objects.update(state="pending")
        try:
            do(deed, coupon, order, dana)
        except Refusal:
            assert state not in DEEDS[deed]
        coupon.refresh_from_db()
        assert coupon.state == DEEDS[deed].get(state, state)
        assert coupon.state == state or coupon.state in MOVES[state]

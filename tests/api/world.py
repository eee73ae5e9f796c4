"""What Alice has of everything that an address of the API can name."""

from allauth.socialaccount.models import SocialAccount
from rest_framework.test import APIClient

from campaigns.models import Coupon, CouponTemplate
from campaigns.services.issuing import issue_coupon
from crm.care.models import Ticket
from crm.shared import clock
from crm.shared.jobs import run_all_queued
from loyalty.models import Reward
from members.models import (
    Address,
    AttributeDefinition,
    DataExport,
    PaymentInstrument,
    Session,
)
from members.rules.identities import identity_id
from orders.models import ReturnRequest
from orders.services.moderating import publish_review
from orders.services.picturing import add_picture, kept_picture
from orders.services.refunding import refund_order
from orders.services.return_requests import Wish, approve_return, request_return
from orders.services.reviewing import add_review_picture
from tests.campaigns.groups import make_deal, paid_seat
from tests.cast import NOON, make_variant, publish
from tests.loyalty.catalogue import make_reward, redeem
from tests.members.pictures import picture
from tests.orders.services.test_reviewing import review_of
from tests.orders.shop import fill_cart, pay, place

TICKET = {"kind": "question", "subject": "Where?", "text": "Where is my tea?"}
HOME = {"recipient": "王静", "street": "文三路 1 号", "city": "杭州市"}
CARD = {
    "verifier": "test",
    "kind": "card",
    "token": "tok_of_anybody",
    "last_four": "1148",
}


def make_world(alice) -> dict[str, str]:
    """Return the ids of what is Alice's, by the names that paths use."""
    make_variant("TEA", 10_000, on_hand=100)
    cart = fill_cart({"TEA": 1}, member=alice)
    order = place(fill_cart({"TEA": 1}, member=alice), now=clock.now())
    back = returned(alice)
    template = CouponTemplate.objects.create(
        code="welcome",
        name="新人券",
        state="live",
        kind="amount",
        amount_minor=100,
        is_claimable=True,
        is_transferable=True,
        starts_at=NOON,
    )
    client = client_of(alice)
    deal = make_deal(one_open_group=False)
    group = paid_seat(deal=deal, member_id=alice.pk, now=clock.now()).group
    reward = make_reward(0, refundable_days=7, picture=kept_picture(picture()))
    Reward.objects.filter(pk=reward.pk).update(picture_id="img_1")
    redemption = redeem(alice, reward, now=clock.now())
    publish()
    review = publish_one(review_of(alice, sku="MUG"))
    AttributeDefinition.objects.create(
        code="size", name="尺码", kind="text", by_member=True
    )
    alice.email = "alice@example.com"
    alice.save()
    SocialAccount.objects.create(user=alice.user, provider="weixin", uid="union-1")
    for path, body in {
        "me/tickets": TICKET,
        "me/addresses": HOME,
        "me/payment-instruments": {**CARD, "token": "tok_of_alice"},
        "me/data-export": None,
        f"carts/{cart.public_id}/coupons": {"code": code_for(alice, template)},
    }.items():
        answer = client.post(f"/api/storefront/v1/{path}", body, format="json")
        assert answer.status_code in {200, 201, 202}, answer.content
    client.put("/api/storefront/v1/me/avatar", picture(), content_type="image/png")
    run_all_queued()
    return {
        "address": Address.objects.get().public_id,
        "device_id": Session.objects.filter(user=alice.user).get().public_id,
        "identity_id": identity_id("weixin", "union-1"),
        "instrument": PaymentInstrument.objects.get().public_id,
        "export": DataExport.objects.get().public_id,
        "product": cart.lines.get().variant.product.public_id,
        "image": add_picture(
            product_id=cart.lines.get().variant.product_id,
            data=picture(),
            now=clock.now(),
        ).public_id,
        "cart": cart.public_id,
        "item": cart.lines.get().public_id,
        "code": Coupon.objects.get().code,
        "coupon": Coupon.objects.get().public_id,
        "deal": deal.public_id,
        "group": group.public_id,
        "order": order.public_id,
        "return_id": back.public_id,
        "refund_id": back.order.refunds.get().public_id,
        "offer": template.public_id,
        "redemption": redemption.public_id,
        "reward": reward.public_id,
        "review": review.public_id,
        "picture": review.pictures.get().public_id,
        "reward_picture": "img_1",
        "public_id": Ticket.objects.get().public_id,
    }


def publish_one(review):
    """Publish a review with a picture."""
    add_review_picture(review_id=review.pk, data=picture(), now=NOON)
    return publish_review(review_id=review.pk, actor="test", now=clock.now())


def returned(member) -> ReturnRequest:
    """Return an approved return of one of two units; the other is refunded."""
    order = place(fill_cart({"TEA": 2}, member=member), now=clock.now())
    pay(order, now=clock.now())
    refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="",
        actor="dana",
        request_key="matrix",
        now=clock.now(),
    )
    wish = Wish(kind="return", items={1: 1}, reason_code="damaged")
    request = request_return(
        order_id=order.pk, wish=wish, actor="member", now=clock.now()
    )
    return approve_return(return_id=request.pk, actor="dana", now=clock.now())


def code_for(member, template) -> str:
    return issue_coupon(
        template_id=template.pk, member_id=member.pk, source="t", now=clock.now()
    ).code


def client_of(member) -> APIClient:
    client = APIClient()
    client.force_login(member.user)
    return client

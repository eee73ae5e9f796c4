"""The planted stories that go through the real services, as a storefront would.

Each is found again by ``tests/console/test_demo.py``.
"""

from datetime import timedelta

from crm.console.demo import aftersales, books, offers, referrals
from crm.console.demo.checkout import order_of, pay
from crm.console.demo.members import ZHANG_SAN_PHONE
from crm.console.demo.shop import DemoShop
from crm.shared.outbox import drain
from loyalty.models import PointsAccount, ReasonCode
from loyalty.services.adjusting import deduct_points
from loyalty.services.freezing import freeze_account
from members.models import Member
from members.queries import phone_is
from members.services.finding_duplicates import plan_search
from members.services.noting import add_note
from orders.models import Brand, Order, Product, Variant
from orders.services.opening_skus import open_skus
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds

GIFT_BOX_SKU = "XM-GIFT"
#: 1,120.00 less the promotion's 120.00 is the 1,000.00 of story 1.
GIFT_BOX_MINOR = 112_000
ACTOR = "lin@demo.local"


def plant(shop: DemoShop) -> None:
    """Tell the stories, oldest first."""
    _zhang_san_becomes_gold(shop)
    _points_are_frozen_in_a_dispute(shop)
    _a_refund_finds_too_few_points(shop)
    aftersales.plant(shop)
    offers.plant(shop)
    referrals.plant(shop)
    # Story 8 is planted among the members; the worker finds it.
    plan_search(everybody=True, owner=None, now=shop.now)
    send_due_refunds(now=shop.now)
    drain(now=shop.now)
    books.plant(shop)


def _zhang_san_becomes_gold(shop: DemoShop) -> None:
    """Story 1: one order of 1,000.00 brings 1,000 points and the gold tier."""
    box = Product.objects.create(
        public_id=shop.public_id("prd"),
        name=shop.text("小满礼盒", "Xiaoman gift box"),
        name_en="Xiaoman gift box",
        brand=Brand.objects.get(code="xiaoman"),
        created_at=shop.now - timedelta(days=30),
    )
    variant = Variant.objects.create(
        product=box,
        sku=GIFT_BOX_SKU,
        price_minor=GIFT_BOX_MINOR,
        cost_minor=GIFT_BOX_MINOR // 2,
        on_hand=500,
    )
    open_skus(variants=[variant], actor="demo", now=shop.now - timedelta(days=30))
    member = Member.objects.get(phone_is(ZHANG_SAN_PHONE))
    bought_at = shop.now - timedelta(minutes=3)
    order = _buy(member, GIFT_BOX_SKU, at=bought_at)
    add_note(
        member_id=member.pk,
        text=shop.text(
            f"客户来电确认礼盒 {order.number} 的送货时间。",
            f"Called about the delivery of gift box {order.number}.",
        ),
        author=None,
        now=shop.now - timedelta(minutes=1),
    )


def _buy(member: Member, sku: str, *, at) -> Order:
    order = order_of(member_id=member.pk, items={sku: 1}, at=at)
    pay(order, at=at)
    drain(now=at)
    return order


def _points_are_frozen_in_a_dispute(shop: DemoShop) -> None:
    """Story 9: somebody with many points may not spend them for now."""
    account = PointsAccount.objects.order_by("-balance", "pk")[1]
    freeze_account(
        member_id=account.pk,
        reason=shop.text("争议订单核查中", "A disputed order is being looked into"),
        actor=ACTOR,
        now=shop.now,
    )


def _a_refund_finds_too_few_points(shop: DemoShop) -> None:
    """Story 10: the points of an order are spent before the order is refunded."""
    order = (
        Order.objects.filter(
            state=Order.State.COMPLETED,
            refunded_minor=0,
            total_minor__gte=50_000,
            discount_minor=0,
            member__points_account__balance__lt=2_000,
            member__points_account__balance__gt=500,
        )
        .order_by("-placed_at", "pk")
        .select_related("member__points_account")
        .first()
    )
    if order is None:
        return
    account = order.member.points_account
    deduct_points(
        member_id=order.member_id,
        points=account.balance - 50,
        reason_code=ReasonCode.OTHER,
        reason=shop.text("兑换礼品", "Exchanged for a gift"),
        actor=ACTOR,
        source="demo:exchange",
        now=shop.now - timedelta(hours=2),
    )
    refund_order(
        order_id=order.pk,
        items={line.position: line.quantity for line in order.lines.all()},
        reason=shop.text("整单退货", "Returned as a whole"),
        actor=ACTOR,
        request_key="demo:refund",
        now=shop.now - timedelta(hours=1),
    )

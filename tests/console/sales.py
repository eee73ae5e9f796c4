"""What the console's small shop sells, and what becomes of it."""

import random
from datetime import UTC, datetime

from members.models import Member
from orders.models import (
    Allocation,
    Attribute,
    Brand,
    Category,
    Channel,
    FreightRule,
    GiftCard,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    Product,
    Refund,
    RefundLine,
    ReturnEvent,
    ReturnLine,
    ReturnRequest,
    Review,
    Shipment,
    StockMove,
    Variant,
)
from orders.rules.gift_codes import new_code
from orders.services.wallets import book_entry, top_up_wallet
from recommendations.models import BoughtTogether, Popularity


def catalogue() -> Variant:
    """Return a SKU with everything around it."""
    category = Category.objects.create(code="baby", name="母婴", name_en="Baby")
    brand = Brand.objects.create(code="panda", name="熊猫", name_en="Panda")
    Attribute.objects.create(code="origin", name="产地", name_en="Origin")
    FreightRule.objects.create(name="全国", first_minor=1_000)
    product = Product.objects.create(
        brand=brand,
        name="奶粉一段",
        name_en="Milk powder 1",
        category=category,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    other = Product.objects.create(
        name="尿布", name_en="Nappies", created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    Popularity.objects.create(product=product, buyers=5, score=1.5)
    BoughtTogether.objects.create(
        product=product, other=other, both=3, buyers=5, score=1.2
    )
    variant = Variant.objects.create(product=product, sku="MP-1", price_minor=19_900)
    StockMove.objects.create(
        variant=variant,
        kind="counted",
        delta_on_hand=0,
        delta_reserved=0,
        actor="support",
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return variant


def order(*, member, variant, number: str, quantity: int, at) -> Order:
    """Return a paid order of one line, 10.00 off by a promotion."""
    gross = quantity * variant.price_minor
    channel, _made = Channel.objects.get_or_create(
        code="mini", defaults={"name": "小程序", "name_en": "Mini program"}
    )
    made = Order.objects.create(
        number=number,
        member=member,
        channel=channel,
        state="completed",
        currency="CNY",
        goods_minor=gross,
        discount_minor=1_000,
        total_minor=gross - 1_000,
        paid_minor=gross - 1_000,
        placed_at=at,
        paid_at=at,
    )
    line = OrderLine.objects.create(
        order=made,
        position=1,
        variant=variant,
        sku=variant.sku,
        name="奶粉一段",
        kind="goods",
        quantity=quantity,
        unit_price_minor=variant.price_minor,
        gross_minor=gross,
        discount_minor=1_000,
        net_minor=gross - 1_000,
    )
    Allocation.objects.create(
        line=line,
        source_kind="promotion",
        source_id="prm_1",
        source_name="满300减50",
        amount_minor=1_000,
    )
    OrderEvent.objects.create(
        order=made, to_state="completed", actor="system", occurred_at=at
    )
    Payment.objects.create(
        order=made,
        provider="test",
        amount_minor=made.total_minor,
        state="captured",
        created_at=at,
        captured_at=at,
    )
    return made


def stored_value(member: Member, sale: Order, *, at: datetime) -> None:
    """Let a member have money in the wallet, some of it from a gift card."""
    top_up_wallet(
        member_id=member.pk,
        amount_minor=5_000,
        reason="goodwill",
        actor="tests",
        source="test:1",
        now=at,
    )
    for number, redeemed_by in ((1, member), (2, None)):
        card = GiftCard.objects.create(
            line=sale.lines.get(),
            number=number,
            code=new_code(random.Random(number).choice),
            amount_minor=10_000,
            state="redeemed" if redeemed_by else "issued",
            redeemed_by=redeemed_by,
            redeemed_at=at if redeemed_by else None,
            issued_at=at,
        )
        if redeemed_by:
            book_entry(
                member_id=member.pk,
                kind="gift_card",
                amount_minor=10_000,
                source=f"gift_card:{card.public_id}",
                now=at,
            )


def ask_back(order: Order, *, at: datetime) -> None:
    """Write a return of one unit, as a member asks for it."""
    line = order.lines.first()
    request = ReturnRequest.objects.create(
        order=order,
        kind="return",
        reason_code="damaged",
        words="包裹到时已破",
        requested_at=at,
    )
    ReturnLine.objects.create(request=request, order_line=line, quantity=1)
    ReturnEvent.objects.create(
        request=request, to_state="requested", actor="member", occurred_at=at
    )
    line.returning_quantity = 1
    line.save(update_fields=["returning_quantity"])


def after_sale(sale: Order, *, at: datetime) -> Shipment:
    """Give one unit back, review the rest, send it, and ask another order back."""
    line = sale.lines.get()
    refund = Refund.objects.create(
        order=sale,
        state="completed",
        amount_minor=5_000,
        reason="broken",
        requested_at=at,
        completed_at=at,
    )
    RefundLine.objects.create(
        refund=refund, order_line=line, quantity=1, amount_minor=5_000
    )
    Review.objects.create(
        order_line=line,
        member=sale.member,
        product=line.variant.product,
        rating=4,
        text="宝宝爱喝",
        created_at=at,
    )
    parcel = Shipment.objects.create(
        order=sale, carrier="SF", tracking="SF100", actor="support", sent_at=at
    )
    parcel.lines.create(order_line=line, quantity=2)
    ask_back(Order.objects.exclude(pk=sale.pk).exclude(member=None).first(), at=at)
    return parcel

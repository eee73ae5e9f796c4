"""Plants offers that run: two buying groups, codes of a batch, a word, a budget.

Everything goes through the real services, in the last day of the shop. Found again by
``tests/console/test_demo.py``.
"""

from datetime import datetime, timedelta

from django.db import transaction

from campaigns.models import Budget, Coupon, CouponTemplate, GroupDeal, PublicCode, Seat
from campaigns.services.coding import make_chunk, order_codes
from campaigns.services.redeeming import claim_code
from campaigns.services.seats import join_group, open_group
from crm.console.demo.checkout import pay
from crm.console.demo.shop import DemoShop
from crm.shared.outbox import drain
from members.models import User
from orders.models import Order, Variant
from orders.services.carts import add_coupon, add_item, create_cart
from orders.services.checkout import place_order
from orders.services.guessing import Guesser
from orders.services.quoting import quote_cart

#: Neither the SKU whose demand is tested nor those of the stories after buying.
GROUP_SKU = "XM-0015"
WORD = "TEA2026"
#: Unique codes to try out: as many as anybody reads.
CODES = 200
#: What the word's coupons may cost, and what each takes off.
BUDGET_MINOR, OFF_MINOR = 2_000, 1_000
MARKETER = "zhou@demo.local"


def plant(shop: DemoShop) -> None:
    """Plant the groups first: their members buy for themselves."""
    at = shop.now - timedelta(hours=3)
    # The newest members: those before them have stories of their own.
    people = [member_id for member_id, _joined in shop.members[-4:]]
    _groups(shop, people[:3], at)
    _codes(shop, at)
    _word(shop, people[3], at)
    drain(now=shop.now)


def _groups(shop: DemoShop, people: list[int], at: datetime) -> None:
    """One group of two has come together, the other one waits for one more."""
    variant = Variant.objects.select_related("product").get(sku=GROUP_SKU)
    deal = GroupDeal.objects.create(
        public_id=shop.public_id("gdl"),
        name=shop.text("两人成团", "Better together"),
        name_en="Better together",
        state=GroupDeal.State.LIVE,
        variant=variant,
        hours=24,
        starts_at=at - timedelta(days=1),
        groups_may_finish=True,
        leader_points=200,
    )
    price_minor = variant.price_minor * 8 // 10
    deal.rungs.create(size=2, price_minor=price_minor)
    done = _seat(open_group(deal=deal.public_id, member_id=people[0], now=at), at)
    _seat(join_group(group=done.group.public_id, member_id=people[1], now=at), at)
    _seat(open_group(deal=deal.public_id, member_id=people[2], now=at), at)


def _seat(seat: Seat, at: datetime) -> Seat:
    pay(seat.order, at=at)
    drain(now=at)
    seat.refresh_from_db()
    return seat


def _template(shop: DemoShop, code: str, chinese: str, english: str, **terms):
    return CouponTemplate.objects.create(
        public_id=shop.public_id("cpt"),
        code=code,
        name=shop.text(chinese, english),
        name_en=english,
        state=CouponTemplate.State.LIVE,
        starts_at=shop.now - timedelta(days=2),
        kind="amount",
        **terms,
    )


def _codes(shop: DemoShop, at: datetime) -> None:
    """A leaflet with a code for each reader."""
    template = _template(
        shop,
        "leaflet",
        "传单券满100减10",
        "Leaflet: 10 off from 100",
        amount_minor=OFF_MINOR,
        min_spend_minor=10_000,
    )
    batch = order_codes(
        template_id=template.pk,
        prefix="TEA",
        count=CODES,
        actor=User.objects.filter(username=MARKETER).first(),
        now=at,
    )
    with transaction.atomic():  # as the job of the console does
        make_chunk(batch_id=batch.pk)


def _word(shop: DemoShop, member_id: int, at: datetime) -> None:
    """A word everybody may use, until its money is gone: half of it is."""
    budget = Budget.objects.create(
        public_id=shop.public_id("bgt"),
        name=shop.text("春茶口令预算", "Budget of the spring word"),
        amount_minor=BUDGET_MINOR,
    )
    template = _template(
        shop,
        "spring-word",
        "春茶口令减10",
        "Spring word: 10 off",
        amount_minor=OFF_MINOR,
        budget=budget,
    )
    PublicCode.objects.create(template=template, code=WORD, limit_total=100)
    _buy_with(member_id, WORD, at=at)


def _buy_with(member_id: int, code: str, *, at: datetime) -> Order:
    claim_code(
        member_id=member_id, code=code, guesser=Guesser(member_id=member_id), now=at
    )
    coupon = Coupon.objects.filter(member_id=member_id).latest("pk")
    cart = create_cart(member_id=member_id, channel_code="mini-program", now=at)
    add_item(cart_id=cart.pk, sku=GROUP_SKU, quantity=1, now=at)
    add_coupon(cart_id=cart.pk, code=coupon.code, now=at)
    cart.refresh_from_db()
    quote = quote_cart(cart=cart, now=at)
    order = place_order(cart_id=cart.pk, quote_hash=quote.hash, now=at)
    pay(order, at=at)
    return order

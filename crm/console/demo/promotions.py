"""Plants promotions as a marketer keeps them: live ones, a draft, one that waits."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from campaigns.models import Budget, Promotion, Segment
from campaigns.rules.recipes import KINDS
from campaigns.services.backtesting import order_backtest
from campaigns.services.drafting import write_draft
from campaigns.services.publishing import publish_promotion
from campaigns.services.segmenting import write_segment
from crm.console.demo.checkout import pay
from crm.console.demo.shop import DemoShop
from crm.shared.approvals import approve
from crm.shared.models import Approval
from crm.shared.outbox import drain
from members.models import User
from orders.models import Category, Variant
from orders.services.carts import add_item, create_cart
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart

#: Who writes them, and asks for the large one.
MARKETER = "zhou@demo.local"
#: Who agrees to the flash price.
APPROVER = "qian@demo.local"
LARGE_BUDGET_MINOR = 5_000_000
#: Neither the SKU whose demand is tested nor those of the stories.
FLASH_SKU = "XM-0010"
#: Tea with a minimum price above what the offers on it would leave (S12).
FLOOR_SKU, FLOOR_BP = "XM-0017", 9_800
#: Pieces at the flash price, and how many some members bought at once.
FLASH_UNITS, BOUGHT = 12, (3, 2, 2)


def plant(shop: DemoShop) -> None:
    """Write them last, so that they lower nothing in the stories before."""
    tea = Category.objects.get(code="tea").pk
    second = {"nth": 2, "pays_bp": 5_000}
    weekend = {"weekdays": [6, 7], "audience": ["member"]}
    large = Budget.objects.create(
        name=shop.text("双十二预算", "December budget"),
        amount_minor=LARGE_BUDGET_MINOR,
    )
    _live(
        shop,
        *(
            "nth_item",
            "周末茶与咖啡第二件半价",
            "Weekend tea: the second at half price",
        ),
        {"gives": second, "goods": {"categories": [tea]}, "when": weekend},
    )
    _live(
        shop,
        *("free_freight", "会员满99元免运费", "Free delivery for members from 99"),
        {"gives": {}, "when": {"audience": ["member"], "least_spend_minor": 9_900}},
    )
    _live(
        shop,
        *("member_price", "铂金会员茶与咖啡95折", "5 % less tea for platinum members"),
        {
            "gives": {"percent_bp": 500},
            "goods": {"categories": [tea]},
            "when": {"audience": ["tier:platinum"]},
        },
    )
    _flash(shop)
    least = F("price_minor") * FLOOR_BP / 10_000
    Variant.objects.filter(sku=FLOOR_SKU).update(minimum_price_minor=least)
    _segments(shop)
    bundle = _draft(
        shop,
        *("bundle", "任选3件99元", "Any three for 99"),
        {"gives": {"units": 3, "price_minor": 9_900}, "goods": {"categories": [tea]}},
    )
    # A month of orders is replayed with it once a worker is there.
    order_backtest(promotion_id=bundle.pk, days=30, actor=_marketer(), now=shop.now)
    _live(
        shop,
        *("percent", "双十二全场八折", "20 % off everything in December"),
        {"gives": {"percent_bp": 2_000}, "beside": {"is_alone": True}},
        budget_id=large.pk,
    )


def _draft(
    shop: DemoShop,
    kind: str,
    chinese: str,
    english: str,
    recipe: dict[str, Any],
    **content: Any,
) -> Promotion:
    told = {
        "name": shop.text(chinese, english),
        "name_en": english,
        "kind": kind,
        "recipe": recipe,
        "exclusive_group": KINDS[kind].group,
        "starts_at": shop.now,
    }
    return write_draft(
        promotion_id=None, content=told | content, actor=_marketer(), now=shop.now
    )


def _live(shop: DemoShop, *told: Any, **content: Any) -> Promotion | Approval:
    """Publish one; what is too large for one person waits for another."""
    return publish_promotion(
        promotion_id=_draft(shop, *told, **content).pk,
        reason=shop.text("运营计划", "As planned"),
        actor=_marketer(),
        now=shop.now,
    )


def _flash(shop: DemoShop) -> None:
    """Put a few pieces of one SKU on at half the price; some of them are gone."""
    variant = Variant.objects.get(sku=FLASH_SKU)
    waiting = _live(
        shop,
        *("flash_price", "限量秒杀半价", "A few at half the price"),
        {
            "gives": {"price_minor": variant.price_minor // 2},
            "goods": {"skus": [FLASH_SKU]},
        },
        ends_at=shop.now + timedelta(days=3),
        limit_units=FLASH_UNITS,
    )
    # Nobody can say which share of prices a price is: somebody else agreed.
    decider = User.objects.get(username=APPROVER)
    approve(approval_id=waiting.pk, decider=decider, now=shop.now)
    buyers = [member_id for member_id, _joined in shop.members[-len(BOUGHT) :]]
    for member_id, count in zip(buyers, BOUGHT, strict=True):
        cart = create_cart(
            member_id=member_id, channel_code="mini-program", now=shop.now
        )
        add_item(cart_id=cart.pk, sku=FLASH_SKU, quantity=count, now=shop.now)
        seen = quote_cart(cart=cart, now=shop.now).hash
        pay(place_order(cart_id=cart.pk, quote_hash=seen, now=shop.now), at=shop.now)
    drain(now=shop.now)


def _segments(shop: DemoShop) -> None:
    """Write two segments; a worker looks who is in them, once it is there."""
    silent = {"field": "loyalty.days_since_order", "is": "gte", "value": 60}
    often = {"field": "loyalty.orders", "is": "gte", "value": 3}
    tea = {"field": "orders.categories", "is": "any_of", "value": ["tea"]}
    for code, chinese, english, parts in (
        ("silent", "沉睡 60 天", "Silent for 60 days", [silent]),
        ("tea-regulars", "常买茶与咖啡", "Tea regulars", [often, tea]),
    ):
        segment = Segment(
            code=code, name=chinese, name_en=english, condition={"all": parts}
        )
        write_segment(segment=segment, actor=_marketer(), now=shop.now)


def _marketer() -> User:
    return User.objects.get(username=MARKETER)

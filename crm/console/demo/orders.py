"""Plants thirteen months of purchases with their seasons, refunds and stories."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.models import Promotion
from campaigns.rules.rungs import spend_and_save
from crm.console.demo.catalogue import PRICE_TEST_SKU
from crm.console.demo.rhythm import Rhythm
from crm.console.demo.shop import HISTORY, SOURCE, DemoShop
from crm.shared.copying import copy_rows
from crm.shared.money import share
from orders.models import Allocation, Order, OrderLine, Payment, Refund, RefundLine
from orders.services.telling import tell_of_past_orders

#: How members buy: share of members, and fewest and most orders.
HABITS = ((0.05, 25, 55), (0.25, 6, 18), (0.30, 2, 6), (0.30, 1, 1), (0.10, 0, 0))
#: Channel -> share of orders, share returned, and lines in a basket.
CHANNELS = {
    "mini-program": (0.38, 0.03, (1, 1, 2, 2, 3)),
    "web": (0.17, 0.04, (1, 2, 3, 4)),
    "tmall": (0.22, 0.09, (1, 1, 2)),
    "jd": (0.13, 0.05, (1, 2, 2)),
    "store": (0.10, 0.02, (1, 2, 3, 4, 5)),
}
#: Story 14: price levels by month, and how demand answers.
TEST_PRICES = (12800, 10900, 14900, 11900, 13900)
ELASTICITY = -1.4
#: Story 15: one member with this many orders.
BUSIEST = 600
#: Story 6: share of champions whose last order is long ago.
LAPSED = 0.6
LAPSED_AFTER = timedelta(days=130)


@dataclass(slots=True)
class Rows:
    """What one batch of members writes."""

    orders: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    allocations: list = field(default_factory=list)
    payments: list = field(default_factory=list)
    refunds: list = field(default_factory=list)
    refund_lines: list = field(default_factory=list)

    def save(self) -> None:
        """Write parents before children, a few statements a batch."""
        copy_rows(self.orders)
        copy_rows(self.lines)
        copy_rows(self.allocations)
        copy_rows(self.payments)
        copy_rows(self.refunds)
        copy_rows(self.refund_lines)


class Planter:
    """Draws orders for the members of a shop."""

    def __init__(self, shop: DemoShop, promotion: Promotion):
        """Prepare the shop's rhythm and price list."""
        self.shop = shop
        self.promotion = promotion
        self.serials = count(1)
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        today = shop.now.astimezone(zone).date()
        self.zone = zone
        self.rhythm = Rhythm(first=today - HISTORY, last=today, zone=zone)
        self.channels = {channel.code: channel for channel in shop.channels}
        self.tested = next(v for v in shop.variants if v.sku == PRICE_TEST_SKU)
        self.others = [v for v in shop.variants if v is not self.tested]

    def plant_member(self, rows: Rows, serial: int, member_id: int, joined_at) -> None:
        """Draw one member's whole history."""
        chance = self.shop.chance
        habit = chance.choices(HABITS, [each[0] for each in HABITS])[0]
        orders = chance.randint(habit[1], habit[2])
        home = chance.choices(list(CHANNELS), [c[0] for c in CHANNELS.values()])[0]
        latest = self.shop.now - timedelta(minutes=3)
        local = joined_at.astimezone(self.zone)
        if serial == 0:
            orders = 0  # 张三 buys through the real checkout, see stories.py
        elif serial == 1:
            orders = 0
        elif serial == 7:
            orders = BUSIEST
        elif local.month == 3 and home == "tmall":
            orders = min(orders, 1)  # story 5: the March cohort never returns
        elif habit[1] >= 25 and chance.random() < LAPSED:
            latest = self.shop.now - LAPSED_AFTER
        moments = sorted(
            self.rhythm.moment(chance, since=local.date()) for _ in range(orders)
        )
        for moment in moments:
            if joined_at < moment <= latest:
                self._order(rows, member_id, home, moment)

    def _order(self, rows: Rows, member_id: int, home: str, at: datetime) -> None:
        chance = self.shop.chance
        code = home
        if chance.random() < 0.25:
            code = chance.choice(list(CHANNELS))
        order = Order(
            public_id=self.shop.public_id("ord"),
            number=f"SO{at:%y%m%d}{next(self.serials):07d}",
            member_id=member_id,
            channel=self.channels[code],
            source=SOURCE,
            state=Order.State.COMPLETED,
            currency=settings.SHOP_CURRENCY,
            placed_at=at,
            paid_at=at + timedelta(minutes=1),
        )
        lines = self._lines(order, at, chance.choice(CHANNELS[code][2]))
        self._discount(rows, order, lines, at)
        order.goods_minor = sum(line.gross_minor for line in lines)
        order.discount_minor = sum(line.discount_minor for line in lines)
        order.total_minor = order.goods_minor - order.discount_minor
        order.paid_minor = order.total_minor
        if self.shop.now - at < timedelta(days=3):
            order.state = Order.State.PAID
        else:
            order.closed_at = at + timedelta(days=7)
        rows.orders.append(order)
        rows.lines += lines
        rows.payments.append(
            Payment(
                public_id=self.shop.public_id("pay"),
                order=order,
                provider="test",
                amount_minor=order.total_minor,
                state=Payment.State.CAPTURED,
                created_at=at,
                captured_at=order.paid_at,
            )
        )
        if chance.random() < CHANNELS[code][1] and order.state == Order.State.COMPLETED:
            self._refund(rows, order, lines)

    def _lines(self, order: Order, at: datetime, wanted: int) -> list[OrderLine]:
        chance = self.shop.chance
        price = TEST_PRICES[(at.year * 12 + at.month) % len(TEST_PRICES)]
        appeal = 0.10 * (price / TEST_PRICES[0]) ** ELASTICITY
        chosen = chance.sample(self.others, wanted)
        if chance.random() < appeal:
            chosen[0] = self.tested
        lines = []
        for position, variant in enumerate(chosen, start=1):
            is_tested = variant is self.tested
            quantity = 1 if is_tested else chance.choice((1, 1, 1, 2, 2, 3))
            unit = price if is_tested else variant.price_minor
            lines.append(
                OrderLine(
                    order=order,
                    position=position,
                    variant=variant,
                    sku=variant.sku,
                    name=variant.product.name,
                    kind=variant.product.kind,
                    quantity=quantity,
                    unit_price_minor=unit,
                    gross_minor=unit * quantity,
                    net_minor=unit * quantity,
                )
            )
        return lines

    def _discount(self, rows: Rows, order: Order, lines: list, at: datetime) -> None:
        local = at.astimezone(self.zone)
        is_on = (local.month == 11 and local.day <= 11) or (
            local.month == 6 and local.day <= 18
        )
        if not is_on:
            return
        basis = [line.gross_minor for line in lines]
        rungs = self.promotion.recipe["gives"]["rungs"]
        off = spend_and_save(sum(basis), rungs)
        if not off:
            return
        for line, part in zip(lines, share(off, basis), strict=True):
            line.discount_minor = part
            line.net_minor = line.gross_minor - part
            if part:
                rows.allocations.append(
                    Allocation(
                        line=line,
                        source_kind="promotion",
                        source_id=self.promotion.public_id,
                        source_name=self.promotion.name,
                        amount_minor=part,
                    )
                )

    def _refund(self, rows: Rows, order: Order, lines: list[OrderLine]) -> None:
        chance = self.shop.chance
        line = chance.choice(lines)
        at = order.paid_at + timedelta(days=chance.randint(2, 12))
        if at > self.shop.now or line.net_minor == 0:
            return
        line.refunded_quantity = line.quantity
        line.refunded_minor = order.refunded_minor = line.net_minor
        if order.refunded_minor == order.total_minor:
            order.state = Order.State.REFUNDED
        refund = Refund(
            public_id=self.shop.public_id("ref"),
            order=order,
            source=SOURCE,
            state=Refund.State.COMPLETED,
            amount_minor=line.net_minor,
            reason=self.shop.text("不合适", "Does not suit"),
            actor="lin@demo.local",
            requested_at=at,
            completed_at=at + timedelta(hours=3),
        )
        rows.refunds.append(refund)
        rows.refund_lines.append(
            RefundLine(
                refund=refund,
                order_line=line,
                quantity=line.quantity,
                amount_minor=line.net_minor,
            )
        )
        rows.payments[-1].refunded_minor = line.net_minor


def plant(shop: DemoShop, promotion: Promotion) -> None:
    """Write the orders of every member, a batch of members at a time."""
    planter = Planter(shop, promotion)
    for first in range(0, len(shop.members), 500):
        rows = Rows()
        for offset, (member_id, joined_at) in enumerate(
            shop.members[first : first + 500]
        ):
            planter.plant_member(rows, first + offset, member_id, joined_at)
        rows.save()
        shop.say(f"{first + 500:,}")
    tell_of_past_orders(source=SOURCE)

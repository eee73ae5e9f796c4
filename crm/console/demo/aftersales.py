"""Plants what comes after buying: parcels, returns, stored value, money that hangs.

Everything goes through the real services, at times of the last two weeks, so that each
queue of the console has something to show. Each story is found again by
``tests/console/test_demo.py``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from crm.console.demo.checkout import order_of, pay, tell_captured
from crm.console.demo.shop import DemoShop
from crm.shared.outbox import drain
from members.models import Member, User
from orders.models import GiftCard, Order, Product, ReturnRequest, Variant
from orders.providers.test import TestProvider
from orders.services.cancelling import cancel_order
from orders.services.counting_stock import count_stock
from orders.services.delivering import deliver_shipment
from orders.services.gift_cards import redeem_gift_card
from orders.services.moving import MEMBER
from orders.services.opening_skus import open_skus
from orders.services.paying_by_hand import pay_by_hand
from orders.services.payment import start_payment
from orders.services.refunding import refund_order
from orders.services.return_requests import (
    Wish,
    approve_return,
    cancel_return,
    receive_return,
    refuse_request,
    request_return,
    send_back,
)
from orders.services.returning import return_surplus, send_due_refunds
from orders.services.settling_exchanges import exchange_return
from orders.services.settling_returns import (
    Finding,
    inspect_return,
    refund_return,
)
from orders.services.shipping import lose_shipment, ship

CLERK = "lin@demo.local"
FINANCE = "qian@demo.local"
#: SKUs of these stories: neither the one whose demand is tested nor the gift box.
SKUS = ("XM-0011", "XM-0012", "XM-0013", "XM-0014")
SCARCE_SKU = "XM-0020"
CARD_SKU = "XM-CARD"
CARD_MINOR = 20_000
#: What finance asks to pay in; somebody else must agree.
LARGE_MINOR = 168_800
#: Members before this one have stories of their own.
FIRST_SERIAL = 30
#: Among so many there are enough who never bought.
MOST_ASKED = 400
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """The service desk of a shop: who works at it, and for whom."""

    shop: DemoShop
    clerk: User
    buyers: list[int]

    @property
    def now(self) -> datetime:
        """When the shop's history ends."""
        return self.shop.now


def plant(shop: DemoShop) -> None:
    """Tell the stories, oldest first; refunds that are due are sent at the end."""
    clerk = User.objects.get(username=CLERK)
    desk = Desk(shop=shop, clerk=clerk, buyers=_buyers(shop))
    _parcels(desk)
    _returns(desk)
    _stored_value(desk)
    _money_that_hangs(desk)
    few = Variant.objects.get(sku=SCARCE_SKU)
    count_stock(variant_id=few.pk, on_hand=4, actor=clerk, now=shop.now)


def _buyers(shop: DemoShop) -> list[int]:
    """Return eight members who bought nothing, or least, and are no other story."""
    known = [
        member_id
        for serial, (member_id, joined_at) in enumerate(shop.members)
        if serial >= FIRST_SERIAL and joined_at <= shop.now - 30 * DAY
    ]
    members = Member.objects.filter(pk__in=known[:MOST_ASKED])
    bought_least = members.annotate(times=Count("orders")).order_by("times", "number")
    return list(bought_least.values_list("pk", flat=True)[:8])


def _bought(member_id: int, items: dict[str, int], at: datetime) -> Order:
    order = order_of(member_id=member_id, items=items, at=at)
    pay(order, at=at + timedelta(minutes=1))
    return order


# --- Parcels ------------------------------------------------------------------


def _parcels(desk: Desk) -> None:
    """An order in two parcels, one that never came, and one that nobody sent."""
    first, second, third, _fourth = SKUS
    paid = desk.now - 5 * DAY
    order = _bought(desk.buyers[0], {first: 2, second: 1}, paid)
    parcel = _sent(desk, order, {1: 2}, by="SF SF1000000001", at=paid + DAY)
    deliver_shipment(shipment_id=parcel, actor=desk.clerk, now=paid + 3 * DAY)
    part = _bought(desk.buyers[1], {first: 1, third: 2}, paid)
    _sent(desk, part, {1: 1}, by="SF SF1000000002", at=paid + DAY)
    gone = _bought(desk.buyers[2], {second: 1}, paid - 5 * DAY)
    lost = _sent(desk, gone, {1: 1}, by="YTO YT2000000003", at=paid - 4 * DAY)
    lose_shipment(
        shipment_id=lost,
        actor=desk.clerk,
        reason=desk.shop.text("承运人确认丢失", "The carrier lost it"),
        now=desk.now - DAY,
    )
    _bought(desk.buyers[3], {third: 1}, desk.now - 4 * DAY)


def _sent(
    desk: Desk, order: Order, items: dict[int, int], *, by: str, at: datetime
) -> int:
    carrier, tracking = by.split()
    parcel = ship(
        order_id=order.pk,
        items=items,
        carrier=carrier,
        tracking=tracking,
        actor=desk.clerk,
        now=at,
    )
    return parcel.pk


# --- Returns ------------------------------------------------------------------


def _returns(desk: Desk) -> None:
    """One return in each state a return can be in (R16)."""
    bought = desk.now - 12 * DAY
    orders: list[Order] = []
    for member_id in desk.buyers[4:7]:
        order = _bought(member_id, dict.fromkeys(SKUS, 1), bought)
        units = dict.fromkeys(range(1, len(SKUS) + 1), 1)
        number = f"JD JD30000000{len(orders)}"
        parcel = _sent(desk, order, units, by=number, at=bought + DAY)
        deliver_shipment(shipment_id=parcel, actor=desk.clerk, now=bought + 3 * DAY)
        orders.append(order)
    drain(now=bought + 4 * DAY)
    one, two, three = orders
    _asked(desk, one, 1, "changed_mind")
    for position, states in enumerate(_WAYS, start=2):
        order, place = (one, position) if position <= len(SKUS) else (two, position - 4)
        _led(desk, _asked(desk, order, place, "damaged"), states)
    _led(desk, _asked(desk, three, 1, "wrong_item", wanted=SKUS[0]), _EXCHANGED)
    cancel_return(
        return_id=_asked(desk, three, 2, "late").pk, actor=MEMBER, now=_step(desk, 1)
    )


#: What is done with a return after it was asked for, step by step.
_BACK = ("approve", "send", "receive")
_WAYS = (
    ("approve",),
    ("approve", "send"),
    _BACK,
    (*_BACK, "inspect"),
    (*_BACK, "inspect", "refund"),
    ("refuse",),
)
_EXCHANGED = (*_BACK, "inspect", "exchange")


def _step(desk: Desk, number: int) -> datetime:
    """Return when the step with this number was taken; the request is number 0."""
    return desk.now - 3 * DAY + number * 12 * HOUR


def _asked(
    desk: Desk, order: Order, position: int, reason: str, wanted: str = ""
) -> ReturnRequest:
    kind = ReturnRequest.Kind.EXCHANGE if wanted else ReturnRequest.Kind.RETURN
    return request_return(
        order_id=order.pk,
        wish=Wish(
            kind=kind,
            items={position: 1},
            reason_code=reason,
            words=desk.shop.text("和想的不一样。", "Not what I expected."),
            wanted={position: wanted} if wanted else None,
        ),
        actor=MEMBER,
        now=_step(desk, 0),
    )


def _led(desk: Desk, request: ReturnRequest, steps: tuple[str, ...]) -> None:
    """Lead a return through some steps, half a day each."""
    position = request.lines.get().order_line.position
    note = desk.shop.text("请寄到杭州仓。", "Please send it to our warehouse.")
    for number, step in enumerate(steps, start=1):
        by = {"return_id": request.pk, "actor": desk.clerk, "now": _step(desk, number)}
        match step:
            case "approve":
                approve_return(note=note, **by)
            case "send":
                send_back(carrier="SF", tracking_number=f"SF9{request.pk:09d}", **by)
            case "receive":
                receive_return(**by)
            case "inspect":
                found = Finding(quantity=1, restock=True, condition="as_new")
                inspect_return(findings={position: found}, **by)
            case "refund":
                refund_return(reason=note, **by)
            case "exchange":
                exchange_return(reason=note, **by)
            case "refuse":
                words = desk.shop.text("已拆封，无法退货。", "It was opened.")
                refuse_request(note=words, **by)


# --- Stored value -------------------------------------------------------------


def _stored_value(desk: Desk) -> None:
    """Gift cards sold and one redeemed; one payment by hand, one for two people."""
    bought = desk.now - 2 * DAY
    product = Product.objects.create(
        public_id=desk.shop.public_id("prd"),
        name=desk.shop.text("小满礼品卡", "Xiaoman gift card"),
        name_en="Xiaoman gift card",
        kind=Product.Kind.GIFT_CARD,
        created_at=desk.now - 30 * DAY,
    )
    card = Variant.objects.create(product=product, sku=CARD_SKU, price_minor=CARD_MINOR)
    open_skus(variants=[card], actor="demo", now=desk.now - 30 * DAY)
    _bought(desk.buyers[7], {CARD_SKU: 3}, bought)
    drain(now=bought + HOUR)
    first = GiftCard.objects.filter(line__sku=CARD_SKU).order_by("number")[0]
    redeem_gift_card(
        member_id=desk.buyers[0], code=first.code, caller="demo", now=bought + DAY
    )
    for member_id, amount_minor, source in (
        (desk.buyers[2], 8_800, "demo:goodwill"),
        (desk.buyers[2], LARGE_MINOR, "demo:large"),
    ):
        pay_by_hand(
            member_id=member_id,
            amount_minor=amount_minor,
            reason=desk.shop.text("包裹丢失补偿", "For the parcel that was lost"),
            author=User.objects.get(username=FINANCE),
            source=source,
            now=desk.now - 2 * HOUR,
        )


# --- Money that hangs ---------------------------------------------------------


def _money_that_hangs(desk: Desk) -> None:
    """A payment nobody answered, a refund that was refused, money that stays here."""
    sku = SKUS[3]
    asked = desk.now - HOUR
    open_order = order_of(member_id=desk.buyers[1], items={sku: 1}, at=asked)
    start_payment(order_id=open_order.pk, provider="test", now=asked)
    # The shop waits for this buyer; otherwise it would be cancelled after minutes.
    Order.objects.filter(pk=open_order.pk).update(payment_due_at=desk.now + 7 * DAY)

    refused = _bought(desk.buyers[3], {sku: 2}, desk.now - 2 * DAY)
    dropped = order_of(member_id=desk.buyers[6], items={sku: 1}, at=desk.now - DAY)
    late = start_payment(order_id=dropped.pk, provider="test", now=desk.now - DAY)
    cancel_order(
        order_id=dropped.pk,
        actor=desk.clerk,
        reason=desk.shop.text("客户不要了", "The customer no longer wants it"),
        now=desk.now - DAY,
    )
    drain(now=desk.now - DAY)
    # What is due of the other stories is paid back before the gateway goes wrong.
    send_due_refunds(now=desk.now)
    refund_order(
        order_id=refused.pk,
        items={1: 1},
        reason=desk.shop.text("少发一件", "One was missing"),
        actor=desk.clerk,
        request_key="demo:refused",
        now=desk.now - 5 * HOUR,
    )
    tell_captured(late, dropped, at=desk.now - 9 * HOUR)
    with _gateway_that_refuses():
        # So often that the next attempt is an hour away.
        for ago in range(8, -1, -1):
            return_surplus(payment_id=late.pk, now=desk.now - ago * HOUR)
        send_due_refunds(now=desk.now)


@contextmanager
def _gateway_that_refuses() -> Iterator[None]:
    TestProvider.refuses = True
    try:
        yield
    finally:
        TestProvider.refuses = False

"""Plants two paid plans, and members in every state of them."""

from datetime import datetime, timedelta

from crm.console.demo.checkout import order_of, pay
from crm.console.demo.shop import DemoShop
from crm.shared.outbox import drain
from loyalty.models import Plan, PlanPrice
from loyalty.services.changing_plans import change_plan, preview_change
from loyalty.services.ending_plans import cancel_plan
from loyalty.services.pausing import pause_plan
from loyalty.services.paying_plans import pay_plan_with
from loyalty.services.renewing import renew_due
from loyalty.services.subscribing import start_trial
from members.models import Member
from members.services.instruments import bind_instrument
from orders.models import Product, Variant
from orders.providers.test import DECLINED
from orders.services.moving import MEMBER
from orders.services.opening_skus import open_skus
from orders.services.pricing_entries import set_price

DAY = timedelta(days=1)
#: Members before this one have stories of their own.
FIRST_SERIAL = 60
#: Code, Chinese and English name, multiplier, days of trial, price of month and year.
PLANS = (
    ("tea", "小满茶会", "Tea club", 15_000, 7, 1_900, 19_900),
    ("table", "小满食会", "Table club", 20_000, 0, 4_900, 49_900),
)
#: A SKU that costs members of the tea club less, and how much.
CHEAPER_SKU, CHEAPER_BP = "XM-0015", 9_000


def plant(shop: DemoShop) -> None:
    """Let members of the past months begin, pay, pause, change and leave plans."""
    for terms in PLANS:
        _plan(shop, *terms)
    tea = Variant.objects.get(sku=CHEAPER_SKU)
    set_price(
        variant_id=tea.pk,
        kind="member",
        audience="plan:tea",
        amount_minor=tea.price_minor * CHEAPER_BP // 10_000,
        actor="demo",
        now=shop.now,
    )
    who = iter(_members(shop))
    now = shop.now
    _bought(next(who), "tea-month", now - 50 * DAY, leaves=True)
    _bought(next(who), "tea-month", now - 36 * DAY, card="tok_demo_plan")
    _bought(next(who), "tea-month", now - 33 * DAY, card=f"{DECLINED}_demo_plan")
    _renew(now - 50 * DAY, now - 30 * DAY)
    _bought(next(who), "table-year", now - 20 * DAY, pauses=now - 5 * DAY)
    changes = next(who)
    _bought(changes, "tea-month", now - 12 * DAY)
    _upgraded(changes, now - 2 * DAY)
    _bought(next(who), "tea-month", now - 9 * DAY, leaves=True)
    _bought(next(who), "table-month", now - 6 * DAY)
    start_trial(member_id=next(who), plan="tea", period="month", now=now - 3 * DAY)
    _renew(now - 30 * DAY, now)
    drain(now=now)


def _plan(shop: DemoShop, code: str, name: str, name_en: str, *numbers: int) -> None:
    multiplier_bp, trial_days, month, year = numbers
    born = shop.now - 90 * DAY
    product = Product.objects.create(
        public_id=shop.public_id("prd"),
        name=shop.text(name, name_en),
        name_en=name_en,
        kind=Product.Kind.PLAN,
        created_at=born,
    )
    plan = Plan.objects.create(
        code=code,
        name=shop.text(name, name_en),
        name_en=name_en,
        multiplier_bp=multiplier_bp,
        trial_days=trial_days,
    )
    for period, option, price_minor in (
        ("month", shop.text("月卡", "a month"), month),
        ("year", shop.text("年卡", "a year"), year),
    ):
        variant = Variant.objects.create(
            product=product,
            sku=_sku(f"{code}-{period}"),
            option=option,
            price_minor=price_minor,
        )
        open_skus(variants=[variant], actor="demo", now=born)
        PlanPrice.objects.create(plan=plan, period=period, variant=variant)


def _sku(name: str) -> str:
    return f"XM-PLAN-{name.upper()}"


def _members(shop: DemoShop) -> list[int]:
    """Return members who were here two months ago and may buy."""
    known = [
        member_id
        for serial, (member_id, joined_at) in enumerate(shop.members)
        if serial >= FIRST_SERIAL and joined_at <= shop.now - 60 * DAY
    ]
    active = Member.objects.may_spend().filter(pk__in=known[:100])
    return list(active.order_by("pk").values_list("pk", flat=True)[:8])


def _bought(
    member_id: int,
    what: str,
    at: datetime,
    *,
    card: str = "",
    leaves: bool = False,
    pauses: datetime | None = None,
) -> None:
    order = order_of(member_id=member_id, items={_sku(what): 1}, at=at)
    pay(order, at=at + timedelta(minutes=1))
    drain(now=at + timedelta(minutes=1))
    if card:
        bound = bind_instrument(
            member_id=member_id,
            verifier="test",
            kind="card",
            token=card,
            brand="unionpay",
            last_four="6222",
            now=at,
        )
        pay_plan_with(member_id=member_id, way=bound.public_id, now=at)
    if leaves:
        cancel_plan(member_id=member_id, actor=MEMBER, now=at + DAY)
    if pauses is not None:
        pause_plan(member_id=member_id, actor=MEMBER, now=pauses)


def _upgraded(member_id: int, at: datetime) -> None:
    wanted = {"member_id": member_id, "plan": "table", "period": "month", "now": at}
    planned = preview_change(**wanted)
    order = change_plan(**wanted, expected_due_minor=planned.change.due_minor)
    pay(order, at=at)
    drain(now=at)


def _renew(begin: datetime, end: datetime) -> None:
    """Let the nights between two days pass."""
    at = begin
    while at <= end:
        if renew_due(now=at):
            drain(now=at)
        at += DAY

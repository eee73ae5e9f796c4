"""What the home page shows: numbers, a chart, and what needs somebody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from campaigns.models import Message, Promotion
from crm.care.models import Ticket
from crm.console.queries.work import WORK, count_of, queue_link, shown_count
from crm.reports.models import DailySales
from crm.reports.rules.charts import Chart, Point
from crm.shared.clock import day_bounds
from crm.shared.dates import add_months
from crm.shared.models import Delivery, Job
from crm.shared.money import display_amount
from loyalty.models import Program, Tier
from members.models import Member, User
from orders.models import FreightRule, Order, Product, UnmatchedReturn

PERIOD_DAYS = 30
CHART_MONTHS = 13
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its change against the period before."""

    label: str
    value: str
    #: Signed per cent, None when there is nothing to compare with.
    change: int | None
    note: str
    link: str


@dataclass(frozen=True, slots=True)
class Task:
    """Something waiting for somebody."""

    text: str
    link: str
    icon: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the setup, done or not."""

    text: str
    link: str
    is_done: bool


def home_page(*, user: Any, at: datetime) -> dict:
    """Return the context of the home page for one login."""
    sees_sales = user.has_perm("reports.view_dailysales")
    return {
        "figures": figures(at=at) if sees_sales else [],
        "revenue": revenue_by_month(at=at) if sees_sales else None,
        "period_days": PERIOD_DAYS,
        "tasks": tasks(user=user, at=at),
        "steps": setup_steps() if user.has_perm("members.view_user") else [],
    }


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)


def _period(first, last) -> dict:
    sums = DailySales.objects.filter(day__gt=first, day__lte=last).aggregate(
        sales=Sum("sales_minor"),
        refunds=Sum("refunds_minor"),
        adjustments=Sum("adjustments_minor"),
        orders=Sum("orders"),
    )
    sums = {name: value or 0 for name, value in sums.items()}
    sums["net"] = sums["sales"] - sums["refunds"] + sums["adjustments"]
    return sums


def change_percent(now: int, before: int) -> int | None:
    """Return the signed change in whole per cent, or None without a base.

    >>> change_percent(150, 100), change_percent(0, 80), change_percent(5, 0)
    (50, -100, None)
    """
    return round((now - before) * 100 / before) if before > 0 else None


def figures(*, at: datetime) -> list[Figure]:
    """Return the numbers of the last 30 days against the 30 before."""
    last = localdate(at)
    middle = last - timedelta(days=PERIOD_DAYS)
    now, before = (
        _period(middle, last),
        _period(middle - timedelta(days=PERIOD_DAYS), middle),
    )
    since = day_bounds(middle)[1]
    before_that = since - timedelta(days=PERIOD_DAYS)
    joined_now = Member.objects.filter(joined_at__gte=since).count()
    joined_before = Member.objects.filter(
        joined_at__gte=before_that, joined_at__lt=since
    ).count()
    sales = reverse("admin:reports_dailysales_changelist")
    per_order = now["net"] // now["orders"] if now["orders"] else 0
    per_order_before = before["net"] // before["orders"] if before["orders"] else 0
    return [
        Figure(
            _("Net sales"),
            _money(now["net"]),
            change_percent(now["net"], before["net"]),
            _("sales less refunds"),
            sales,
        ),
        Figure(
            _("Orders"),
            f"{now['orders']:,d}",
            change_percent(now["orders"], before["orders"]),
            _("paid orders"),
            reverse("admin:orders_order_changelist"),
        ),
        Figure(
            _("AOV"),
            _money(per_order),
            change_percent(per_order, per_order_before),
            _("net sales per order"),
            sales,
        ),
        Figure(
            _("New members"),
            f"{joined_now:,d}",
            change_percent(joined_now, joined_before),
            _("joined in the period"),
            reverse("admin:members_member_changelist") + "?view=new",
        ),
    ]


def _month_row(month: date, row: dict) -> dict:
    net = row["sales"] - row["refunds"] + row["adjustments"]
    return {
        "label": date_format(month, "YEAR_MONTH_FORMAT"),
        "sales": _money(row["sales"]),
        "refunds": _money(row["refunds"]),
        "adjustments": _money(row["adjustments"]),
        "net": _money(net),
        "orders": f"{row['orders']:,d}",
        "net_minor": net,
    }


def revenue_by_month(*, at: datetime) -> dict | None:
    """Return 13 months of net sales ready to draw, or None without any sale."""
    newest = DailySales.objects.aggregate(
        refreshed=Max("refreshed_at"), last=Max("day")
    )
    if newest["last"] is None:
        return None
    # A shop whose newest sale is long ago (an import of history) sees that time.
    end = min(localdate(at), newest["last"]).replace(day=1)
    first = add_months(end, 1 - CHART_MONTHS)
    months = [add_months(first, n) for n in range(CHART_MONTHS)]
    rows = (
        DailySales.objects.filter(day__gte=first)
        .annotate(month=TruncMonth("day"))
        .values("month")
        .annotate(
            sales=Sum("sales_minor"),
            refunds=Sum("refunds_minor"),
            adjustments=Sum("adjustments_minor"),
            orders=Sum("orders"),
        )
        .order_by("month")
    )
    by_month = {row["month"]: row for row in rows}
    empty = {"sales": 0, "refunds": 0, "adjustments": 0, "orders": 0}
    table = [_month_row(month, by_month.get(month, empty)) for month in months]
    return {
        "rows": table,
        "chart": Chart(
            uid="revenue",
            title=_("Net sales by month"),
            description=_(
                "Net sales by month, %(first)s to %(last)s; highest %(most)s."
            )
            % {
                "first": table[0]["label"],
                "last": table[-1]["label"],
                "most": max(table, key=lambda row: row["net_minor"])["net"],
            },
            points=[
                Point(f"{month:%Y-%m}", row["net_minor"], row["net"])
                for month, row in zip(months, table, strict=True)
            ],
        ),
        "refreshed_at": newest["refreshed"],
    }


@dataclass(frozen=True, slots=True)
class Queue:
    """A list somebody should work down: who sees it, and how to say its length."""

    permission: str
    rows: Callable[[datetime], QuerySet]
    text: Any
    changelist: str
    filter: str
    icon: str


QUEUES = [
    Queue(
        "shared.view_delivery",
        lambda at: Delivery.objects.filter(state=Delivery.State.STUCK),
        ngettext_lazy("%(count)s fact is stuck", "%(count)s facts are stuck", "number"),
        "shared_delivery",
        "state__exact=stuck",
        "error",
    ),
    Queue(
        "shared.view_job",
        lambda at: Job.objects.filter(state=Job.State.FAILED),
        ngettext_lazy(
            "%(count)s background job failed",
            "%(count)s background jobs failed",
            "number",
        ),
        "shared_job",
        "state__exact=failed",
        "running_with_errors",
    ),
    Queue(
        "orders.change_unmatchedreturn",
        lambda at: UnmatchedReturn.objects.filter(state=UnmatchedReturn.State.OPEN),
        ngettext_lazy(
            "%(count)s return without its purchase",
            "%(count)s returns without their purchase",
            "number",
        ),
        "orders_unmatchedreturn",
        "state__exact=open",
        "help_center",
    ),
    Queue(
        "care.change_ticket",
        lambda at: Ticket.objects.exclude(state=Ticket.State.SOLVED).filter(
            due_at__lt=at
        ),
        ngettext_lazy(
            "%(count)s ticket is overdue", "%(count)s tickets are overdue", "number"
        ),
        "care_ticket",
        "overdue=yes",
        "alarm",
    ),
    Queue(
        "campaigns.view_message",
        lambda at: Message.objects.filter(state=Message.State.FAILED),
        ngettext_lazy(
            "%(count)s message could not be sent",
            "%(count)s messages could not be sent",
            "number",
        ),
        "campaigns_message",
        "state__exact=failed",
        "outbox",
    ),
]


def tasks(*, user: Any, at: datetime) -> list[Task]:
    """Return the queues that are not empty, as far as this login works on them."""
    waiting = []
    for queue in QUEUES:
        if not user.has_perm(queue.permission):
            continue
        # Up to a thousand: beyond that nobody works down a list.
        count = queue.rows(at)[:_MOST].count()
        if count:
            shown = f"{count:,d}" + ("+" if count == _MOST else "")
            waiting.append(
                Task(
                    queue.text % {"number": count, "count": shown},
                    reverse(f"admin:{queue.changelist}_changelist")
                    + f"?{queue.filter}",
                    queue.icon,
                )
            )
    for code, work in WORK.items():
        count = count_of(work, at) if user.has_perm(work.works) else 0
        if count:
            text = work.text % {"number": count, "count": shown_count(count)}
            waiting.append(Task(text, queue_link(code), work.icon))
    return waiting


def setup_steps() -> list[Step]:
    """Return the way from an empty shop to a running one."""
    changelist = "admin:%s_changelist"
    return [
        Step(text, reverse(changelist % name), done)
        for text, name, done in [
            (
                _("Set how points are earned"),
                "loyalty_program",
                Program.objects.exists(),
            ),
            (_("Make tiers"), "loyalty_ladder", Tier.objects.exists()),
            (_("Add products"), "orders_product", Product.objects.exists()),
            (
                _("Say what delivery costs"),
                "orders_freightrule",
                bool(settings.FREIGHT_MINOR) or FreightRule.objects.exists(),
            ),
            (_("Bring in members"), "members_member", Member.objects.exists()),
            (_("Bring in orders"), "orders_order", Order.objects.exists()),
            (
                _("Start a promotion"),
                "campaigns_promotion",
                Promotion.objects.filter(state=Promotion.State.LIVE).exists(),
            ),
            (
                _("Invite colleagues"),
                "members_user",
                User.objects.filter(is_staff=True)[:2].count() > 1,
            ),
        ]
    ]

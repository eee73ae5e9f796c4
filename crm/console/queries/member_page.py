"""Everything the page of one member shows above its timeline."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    Min,
    OuterRef,
    Subquery,
    Sum,
)
from django.db.models.functions import JSONObject, TruncMonth
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Coupon
from crm.console.rules.masking import mask_birthday, mask_email, mask_phone
from crm.reports.rules.charts import Chart, Point
from crm.shared.clock import day_bounds
from crm.shared.dates import add_months
from crm.shared.money import display_amount
from loyalty.models import Benefit
from loyalty.queries.benefits import best_numbers
from loyalty.queries.points import summary_of
from members.models import Avatar, Consent, Erasure, Interest, Member
from members.queries import standing_erasures
from orders.models import Order

_PRIORITY = Benefit.Kind.PRIORITY_SERVICE
SPARK_MONTHS = 24
SPARK_HEIGHT = 140
SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Tile:
    """One number at the top, and the list it comes from."""

    label: str
    value: str
    detail: str
    link: str


def get_member(public_id: str) -> Member:
    """Return the member with all the page says of them alone, in one query.

    Beside account, tier and value: ``has_avatar``, ``interest_words`` with the names
    of what interests them, and ``erasure`` (see ``erasure_of``).

    Raises:
        Member.DoesNotExist: there is none.
    """
    place = Func(
        OuterRef("interests"),
        F("code"),
        function="array_position",
        output_field=IntegerField(),
    )
    erasure = standing_erasures().filter(member=OuterRef("pk")).order_by("pk")
    words = Interest.objects.alias(place=place).filter(place__isnull=False)
    return (
        Member.objects.select_related(
            "points_account__tier__ladder", "value", "score", "user"
        )
        .annotate(
            erasure=Subquery(
                erasure.values(row=JSONObject(pk="pk", state="state"))[:1]
            ),
            may_be_first=Exists(Benefit.objects.filter(is_active=True, kind=_PRIORITY)),
            has_avatar=Exists(Avatar.objects.filter(member=OuterRef("pk"))),
            interest_words=ArraySubquery(
                words.order_by("place").values(
                    word=JSONObject(name="name", name_en="name_en")
                )
            ),
        )
        .get(public_id=public_id)
    )


def has_priority(member: Member, at: datetime) -> bool:
    """Whether a member from ``get_member`` is served first, by a benefit."""
    if not member.may_be_first:  # type: ignore[attr-defined]
        return False
    return bool(best_numbers([member.pk], _PRIORITY, at))


def erasure_of(member: Member) -> Erasure | None:
    """Return key and state of the standing erasure of a member from ``get_member``."""
    row = member.erasure  # type: ignore[attr-defined]
    return Erasure(**row) if row else None


def money(minor: int) -> str:
    """Return an amount of the shop's currency as people read it."""
    return display_amount(minor, settings.SHOP_CURRENCY)


def tiles(*, member: Member, user: Any, at: datetime) -> list[Tile]:
    """Return the numbers at the top that this login may see, in two queries."""
    shown = []
    if user.has_perm("loyalty.view_pointsaccount"):
        shown.append(_points_tile(member, at))
    if user.has_perm("orders.view_order"):
        shown += [_spend_tile(member), _last_order_tile(member, at)]
    if user.has_perm("campaigns.view_coupon"):
        shown.append(_coupon_tile(member, at))
    return shown


def _list(name: str, member: Member, **filters: str) -> str:
    query = "&".join([f"q={member.number}", *(f"{k}={v}" for k, v in filters.items())])
    return f"{reverse(f'admin:{name}_changelist')}?{query}"


def _points_tile(member: Member, at: datetime) -> Tile:
    points = summary_of(getattr(member, "points_account", None), at)
    last_day = localdate(at) + timedelta(days=SOON_DAYS)
    soon = sum(lot.points for lot in points.expiring if lot.on <= last_day)
    parts = []
    if points.is_frozen:
        parts.append(_("account frozen"))
    elif points.frozen:
        parts.append(_("%(points)s held") % {"points": f"{points.frozen:,d}"})
    if points.pending:
        parts.append(_("%(points)s pending") % {"points": f"{points.pending:,d}"})
    if points.debt:
        parts.append(_("%(points)s owed") % {"points": f"{points.debt:,d}"})
    if soon:
        parts.append(
            _("%(points)s expire within %(days)s days")
            % {"points": f"{soon:,d}", "days": SOON_DAYS}
        )
    return Tile(
        _("Available points"),
        f"{points.available:,d}",
        " · ".join(parts) or _("nothing expires soon"),
        _list("loyalty_pointsentry", member),
    )


def _spend_tile(member: Member) -> Tile:
    value = getattr(member, "value", None)
    orders, net = (value.orders, value.net_minor) if value else (0, 0)
    detail = ngettext("%(count)s order", "%(count)s orders", orders) % {
        "count": f"{orders:,d}"
    }
    if orders:
        detail += " · " + _("AOV %(amount)s") % {"amount": money(net // orders)}
    return Tile(_("Lifetime spend"), money(net), detail, _list("orders_order", member))


def _last_order_tile(member: Member, at: datetime) -> Tile:
    value = getattr(member, "value", None)
    last = value.last_order_at if value else None
    if last is None:
        return Tile(_("Last order"), _("none yet"), "", _list("orders_order", member))
    return Tile(
        _("Last order"),
        _("%(time)s ago") % {"time": timesince(last, at, depth=1)},
        date_format(last, "DATE_FORMAT"),
        _list("orders_order", member),
    )


def _coupon_tile(member: Member, at: datetime) -> Tile:
    usable = Coupon.objects.filter(
        member=member, state=Coupon.State.AVAILABLE, expires_at__gt=at
    ).aggregate(count=Count("pk"), first=Min("expires_at"))
    detail = ""
    if usable["first"]:
        detail = _("first expires %(date)s") % {
            "date": date_format(usable["first"], "DATE_FORMAT")
        }
    return Tile(
        _("Usable coupons"),
        f"{usable['count']:,d}",
        detail,
        _list("campaigns_coupon", member, state__exact="available"),
    )


def spend_by_month(*, member: Member, at: datetime) -> Chart:
    """Return 24 months of paid orders less refunds, by month of the order."""
    this_month = localdate(at).replace(day=1)
    first = add_months(this_month, 1 - SPARK_MONTHS)
    months = [add_months(first, n) for n in range(SPARK_MONTHS)]
    rows = (
        Order.objects.filter(
            member=member,
            placed_at__gte=day_bounds(first)[0],
        )
        .exclude(state__in=[Order.State.PENDING, Order.State.CANCELLED])
        .annotate(month=TruncMonth("placed_at"))
        .values("month")
        .annotate(paid=Sum("paid_minor"), back=Sum("refunded_minor"))
        .order_by("month")
    )
    net = {localtime(row["month"]).date(): row["paid"] - row["back"] for row in rows}
    return Chart(
        uid="spend",
        title=_("Spend in 24 months"),
        description=_("%(total)s from %(first)s to %(last)s")
        % {
            "total": money(sum(net.values())),
            "first": date_format(months[0], "YEAR_MONTH_FORMAT"),
            "last": date_format(months[-1], "YEAR_MONTH_FORMAT"),
        },
        points=[
            Point(f"{month:%Y-%m}", net.get(month, 0), money(net.get(month, 0)))
            for month in months
        ],
        height=SPARK_HEIGHT,
    )


@dataclass(frozen=True, slots=True)
class Detail:
    """One line of personal data, masked; ``field`` is what may be revealed."""

    label: str
    value: str
    field: str


#: What can be revealed, and how it looks before.
REVEALABLE = {"phone": mask_phone, "email": mask_email, "birthday": mask_birthday}


def personal_details(member: Member) -> list[Detail]:
    """Return phone, e-mail and birthday, masked."""
    labels = {"phone": _("Phone"), "email": _("E-mail"), "birthday": _("Birthday")}
    return [
        Detail(labels[field], mask(getattr(member, field)), field)
        for field, mask in REVEALABLE.items()
    ]


@dataclass(frozen=True, slots=True)
class Permission:
    """What a member allowed, as it holds now."""

    purpose: str
    channel: str
    granted: bool
    since: datetime


def consents_now(member: Member) -> list[Permission]:
    """Return the newest statement per purpose and channel."""
    newest = (
        Consent.objects.filter(member=member)
        .order_by("purpose", "channel", "-occurred_at", "-id")
        .distinct("purpose", "channel")
    )
    return [
        Permission(
            c.get_purpose_display(), c.get_channel_display(), c.granted, c.occurred_at
        )
        for c in newest
    ]

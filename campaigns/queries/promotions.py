"""Promotions that are on, their goods by name, and what they gave away."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, Q, Sum, TextField
from django.db.models.functions import Cast, Coalesce, TruncDate

from campaigns.models import Coupon, Promotion, PromotionUse
from campaigns.rules.burning import Burned
from campaigns.rules.recipes import Goods
from crm.shared.bilingual import Bilingual
from crm.shared.dates import bounds_of_day
from orders.models import Brand, Category, Product


@dataclass(frozen=True, slots=True)
class PromotionRow(Bilingual):
    """What a promotion offers, as values: of equal rows the same offer is made."""

    public_id: str
    kind: str
    #: As JSON text.
    recipe: str
    name: str
    name_en: str
    priority: int
    exclusive_group: str
    starts_at: datetime
    ends_at: datetime | None
    on_return: str
    budget_id: int | None
    limit_units: int | None
    limit_member_units: int | None


def promotions_on() -> list[PromotionRow]:
    """Return promotions that are on, whatever the time, and not used up.

    Those without any unit left stay among them: how many are left is read with each
    quote, which says so (S25).
    """
    names = [each.name for each in fields(PromotionRow)]
    columns = [Cast(name, TextField()) if name == "recipe" else name for name in names]
    found = Promotion.objects.filter(
        Q(limit_total__isnull=True) | Q(used__lt=F("limit_total")),
        state=Promotion.State.LIVE,
    ).order_by("-priority", "starts_at", "id")
    return [PromotionRow(*row) for row in found.values_list(*columns)]


def names_of_goods(*of: Goods) -> dict[str, dict[int, str]]:
    """Return what the categories, products and brands of recipes are called."""
    models = {"categories": Category, "products": Product, "brands": Brand}
    found: dict[str, dict[int, str]] = {}
    for name, model in models.items():
        wanted = {
            key
            for goods in of
            for key in (*getattr(goods, name), *getattr(goods, f"not_{name}"))
        }
        if wanted:
            rows = model.objects.filter(pk__in=wanted)
            found[name] = {row.pk: str(row) for row in rows}
    return found


def budget_by_day(*, budget_id: int, days: Sequence[Burned]) -> list[int]:
    """Return what all who spend a budget took on days of the shop, in minor units.

    Coupons count on the day they were paid with.
    """
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    took = dict.fromkeys((each.day for each in days), 0)
    since = bounds_of_day(min(took), zone)[0]
    gone = [PromotionUse.State.FREED, PromotionUse.State.RETURNED]
    uses = PromotionUse.objects.filter(budget_id=budget_id, taken_at__gte=since)
    coupons = Coupon.objects.filter(budget_id=budget_id, used_at__gte=since)
    for rows, moment, amount in (
        (uses.exclude(state__in=gone), "taken_at", "amount_minor"),
        (coupons, "used_at", "discount_minor"),
    ):
        by_day = rows.annotate(day=TruncDate(moment, tzinfo=zone)).values("day")
        for day, minor in by_day.annotate(n=Sum(amount)).values_list("day", "n"):
            took[day] = took.get(day, 0) + minor
    return [took[each.day] for each in days]


def burned_by_day(*, promotion_id: int, since: datetime) -> list[Burned]:
    """Return what the days of the shop took of a promotion; freed uses left out.

    What went back altogether was used, and cost nothing.
    """
    day = TruncDate("taken_at", tzinfo=ZoneInfo(settings.SHOP_TIME_ZONE))
    uses = PromotionUse.objects.filter(
        promotion_id=promotion_id, taken_at__gte=since
    ).exclude(state=PromotionUse.State.FREED)
    rows = uses.annotate(day=day).values("day").order_by("day")
    counted = rows.annotate(
        uses=Count("pk"),
        amount=Coalesce(
            Sum("amount_minor", filter=~Q(state=PromotionUse.State.RETURNED)), 0
        ),
        pieces=Sum("units"),
    )
    return [
        Burned(row["day"], row["uses"], row["amount"], row["pieces"]) for row in counted
    ]

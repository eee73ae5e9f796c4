"""Plants the points books: points frozen in a dispute, and two closed months."""

from datetime import timedelta

from django.utils.timezone import localdate

from crm.console.demo.shop import DemoShop
from crm.shared.dates import add_months
from loyalty.models import PointsAccount, ReasonCode
from loyalty.services.closing import close_month
from loyalty.services.freezing import freeze_points

ACTOR = "lin@demo.local"
#: Points of the dispute, and how long it may take.
DISPUTED, DISPUTE = 300, timedelta(days=14)
MONTHS = 2


def plant(shop: DemoShop) -> None:
    """Freeze some points of a rich member, and close the last months."""
    usable = PointsAccount.objects.filter(is_frozen=False)
    account = usable.order_by("-balance", "pk")[2]
    if account.available >= DISPUTED:
        freeze_points(
            member_id=account.pk,
            points=DISPUTED,
            reason_code=ReasonCode.OTHER,
            reason=shop.text("退货争议, 等待核实", "A return is disputed"),
            actor=ACTOR,
            source="demo:dispute",
            until=shop.now + DISPUTE,
            now=shop.now,
        )
    this_month = localdate(shop.now).replace(day=1)
    for back in range(MONTHS, 0, -1):
        close_month(month=add_months(this_month, -back), actor=ACTOR, now=shop.now)

"""Plants the points program, and books every demo order as the importer would."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from crm.console.demo.shop import SOURCE, DemoShop
from loyalty.models import Ladder, PointsLot, Program, Tier
from loyalty.rules.expiry import end_of_term
from loyalty.services.expiring import expire_lots
from loyalty.services.importing import book_import
from loyalty.services.posting import open_accounts

#: Short enough that points of the first months have ended, and some end this week.
VALID_MONTHS = 12
_BATCH = 2_000
#: One statement for a shop: ``bulk_update`` writes a CASE of every row, 7 s for these.
_SET_TERMS = """
UPDATE loyalty_pointslot l SET active_at = n.active_at, expires_at = n.expires_at
  FROM unnest(%(ids)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
       AS n (id, active_at, expires_at)
 WHERE l.id = n.id
"""


def plant(shop: DemoShop) -> None:
    """Book points, qualifying value and tiers of everything planted so far."""
    Program.objects.update(
        name=shop.text("小满积分", "Xiaoman points"), valid_months=VALID_MONTHS
    )
    Ladder.objects.update(name=shop.text("会员等级", "Member tiers"))
    if shop.language == "en":
        for tier in Tier.objects.all():
            Tier.objects.filter(pk=tier.pk).update(name=tier.name_en)
    open_accounts(member_ids=[member_id for member_id, _ in shop.members], now=shop.now)
    book_import(source=SOURCE, now=shop.now)
    _date_lots()
    # Past days are booked as they would have been, oldest first (P26).
    while expire_lots(now=shop.now, limit=_BATCH):
        pass


def _date_lots() -> None:
    """Let the points of past orders begin when the orders were paid, not today."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    lots = PointsLot.objects.order_by("pk").values_list("pk", "entry__occurred_at")
    ids, begins, ends = [], [], []
    for pk, earned_at in lots:
        begin = earned_at + timedelta(seconds=1)
        ids.append(pk)
        begins.append(begin)
        ends.append(end_of_term(begin, months=VALID_MONTHS, zone=zone))
    with connection.cursor() as cursor:
        cursor.execute(_SET_TERMS, {"ids": ids, "begins": begins, "ends": ends})

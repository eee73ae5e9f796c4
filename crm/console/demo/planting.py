"""Plants the whole shop, in the order in which its parts need one another."""

import random
from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from crm.console.demo import (
    campaigns,
    care,
    catalogue,
    earning,
    ladders,
    left_carts,
    loyalty,
    members,
    orders,
    plans,
    promotions,
    reviews,
    rewards,
    staff,
    stories,
    value,
)
from crm.console.demo.shop import SIZES, DemoShop
from crm.reports.services.rollups import refresh_rollups
from crm.shared.outbox import drain
from recommendations.services.learning import learn_from_orders


def plant_shop(
    *,
    size: str,
    language: str,
    seed: int,
    now: datetime,
    say: Callable[[str], None] = lambda text: None,
) -> DemoShop:
    """Write a shop that looks lived in; all of its past or nothing.

    Args:
        size: ``s``, ``m`` or ``l``, see ``SIZES``.
        language: of the data, ``zh`` or ``en``; the console's is another matter.
        seed: the same seed, size, language and day give the same shop.
        now: the shop's time; history ends there.
        say: told what is being planted.
    """
    shop = DemoShop(
        size=SIZES[size],
        language=language,
        now=now.replace(microsecond=0),
        chance=random.Random(f"{seed}-{size}-{language}"),  # noqa: S311  no secret
        say=say,
    )
    _plant_past(shop)
    # The stories go through the real services, which open their own transactions.
    say("stories")
    stories.plant(shop)
    say("rewards and benefits")
    rewards.plant(shop)
    say("promotions")
    left_carts.plant(shop)
    promotions.plant(shop)
    say("paid plans")
    plans.plant(shop)
    say("ladders")
    ladders.plant(shop)
    say("ways to earn")
    # What happened before there were these rules earns nothing by them.
    drain(now=shop.now)
    earning.plant(shop)
    say("sums and suggestions")
    refresh_rollups(now=shop.now)
    learn_from_orders(now=shop.now)
    value.plant(shop)
    return shop


@transaction.atomic
def _plant_past(shop: DemoShop) -> None:
    say = shop.say
    with connection.cursor() as cursor:
        # Thousands of rows are drawn between two statements: longer than a request.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    say("staff")
    staff.plant(shop)
    say("catalogue")
    catalogue.plant(shop)
    promotion = campaigns.plant_terms(shop)
    say("members")
    members.plant(shop)
    say("orders")
    orders.plant(shop, promotion)
    say("points and tiers")
    loyalty.plant(shop)
    say("coupons, tickets and reviews")
    campaigns.plant_coupons(shop)
    care.plant(shop)
    reviews.plant(shop)

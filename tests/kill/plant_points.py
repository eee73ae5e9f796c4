"""Run inside a house under test: accounts, a reward, a plan, and work for the clerk.

Prints one JSON line; ``tests.kill.test_no_point_is_lost`` reads it.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django  # noqa: E402

django.setup()

from crm.shared.server_keys import make_server_key  # noqa: E402
from loyalty.models import Plan, PlanPrice, PointsEntry, Program, Reward  # noqa: E402
from loyalty.services.adjusting import grant_points  # noqa: E402
from loyalty.services.expiring import expire_lots  # noqa: E402
from loyalty.services.paying_plans import pay_plan_with  # noqa: E402
from loyalty.services.subscribing import start_trial  # noqa: E402
from members.models import Member, User  # noqa: E402
from members.services.instruments import bind_instrument  # noqa: E402
from members.services.joining import join  # noqa: E402
from orders.models import Product, Variant  # noqa: E402
from orders.services.opening_skus import open_skus  # noqa: E402
from tests.kill.sessions import open_session  # noqa: E402

#: Accounts everybody works on, and members who only have or buy a plan.
SHARED, RENEWING, SUBSCRIBING = 4, 6, 6
TRIAL_DAYS = 14
#: Grants that ended, for the clerk to bring back.
EXPIRED = 12


def join_some(count: int, prefix: str, now: datetime) -> list[Member]:
    """Let members join, each with a login."""
    return [
        join(
            name=f"K {number}",
            source="storefront",
            user=User.objects.create_user(f"{prefix}-{number}"),
            now=now,
        )
        for number in range(count)
    ]


def make_goods(sku: str, kind: str, price_minor: int, now: datetime) -> Variant:
    """Write something that can be bought."""
    product = Product.objects.create(name=sku, kind=kind, created_at=now)
    variant = Variant.objects.create(
        product=product, sku=sku, price_minor=price_minor, on_hand=100_000
    )
    open_skus(variants=[variant], actor="test", now=now)
    return variant


def renew_tomorrow(member: Member, now: datetime) -> int:
    """Begin a trial that is over today, with a card for what comes then."""
    began = now - timedelta(days=TRIAL_DAYS)
    held = start_trial(member_id=member.pk, plan="tea", period="month", now=began)
    card = bind_instrument(
        member_id=member.pk,
        verifier="test",
        kind="card",
        token=f"tok_{member.pk}",
        brand="visa",
        last_four="4242",
        now=began,
    )
    pay_plan_with(member_id=member.pk, way=card.public_id, now=began)
    return held.pk


def expire_some(members: list[Member], now: datetime) -> list[int]:
    """Grant points that ended; return the entries of their expiry."""
    for number in range(EXPIRED):
        grant_points(
            member_id=members[number % len(members)].pk,
            points=100 + number,
            reason="plant",
            actor="test",
            source=f"plant:{number}",
            now=now - timedelta(days=760 + number),
        )
    while expire_lots(now=now):
        pass
    return list(PointsEntry.objects.filter(kind="expire").values_list("pk", flat=True))


def main() -> None:
    """Write, then print what the tellers and the clerk need."""
    now = datetime.now(UTC)
    Program.objects.update(
        reinstate_days=60,
        transfer_max=1_000_000,
        transfer_month_max=100_000_000,
        transfer_rest_days=0,
    )
    shared = join_some(SHARED, "shared", now)
    make_goods("K-0", "goods", 10_000, now)
    plan = Plan.objects.create(
        code="tea", name="茶会", name_en="Tea club", trial_days=TRIAL_DAYS
    )
    month = make_goods("PLAN-tea", "plan", 3_000, now)
    PlanPrice.objects.create(plan=plan, period="month", variant=month)
    reward = Reward.objects.create(
        name="好事",
        kind="donation",
        points=150,
        amount_minor=100,
        refundable_days=7,
        starts_at=now - timedelta(days=1),
    )
    renewing = join_some(RENEWING, "renewing", now - timedelta(days=TRIAL_DAYS))
    subscribing = join_some(SUBSCRIBING, "subscribing", now)
    _key, secret = make_server_key(
        name="till",
        scopes=["points:read", "points:write"],
        per_minute=100_000,
        actor="test",
        now=now,
    )
    told = {
        "accounts": [
            {
                "pk": member.pk,
                "id": member.public_id,
                "number": member.number,
                "token": open_session(member.user),
            }
            for member in shared
        ],
        "subscribers": [open_session(member.user) for member in subscribing],
        "renewals": [renew_tomorrow(member, now) for member in renewing],
        "expired": expire_some(shared, now),
        "reward": {"id": reward.public_id, "points": reward.points},
        "secret": secret,
    }
    print(json.dumps(told))


main()

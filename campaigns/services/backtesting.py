"""Back-tests: a draft replayed over the orders of the last days.

Carts that were left follow, in ``replaying_carts``.
Orders are priced by the function that prices checkouts; nothing is written but the
totals. See ``docs/adr/0037-back-tests.md`` for what a replay cannot know.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.models import Backtest, Promotion
from campaigns.models.backtest import SPANS
from campaigns.queries.backtests import orders_to_replay, stored_orders
from campaigns.rules.backtest_totals import Totals
from campaigns.rules.backtesting import replay
from campaigns.rules.left_carts import CartTotals
from campaigns.services.drafting import digest_of, lock_promotion, recipe_of
from campaigns.services.publishing import terms_of
from campaigns.services.replaying import Replaying
from crm.shared.audit import record_audit
from crm.shared.dates import bounds_of_day
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue
from crm.shared.models import Job

#: Key of ``crm.wiring.JOBS``.
JOB = "campaigns.backtest"
#: Orders a transaction replays: about a third of a second.
CHUNK = 200


class SpanNotOffered(Refusal):
    """Look back over 7, 30 or 90 days."""

    code = "backtest_span_not_offered"
    status = 422
    message = _("Look back over 7, 30 or 90 days.")


@transaction.atomic
def order_backtest(
    *, promotion_id: int, days: int, actor: Any, now: datetime
) -> Backtest:
    """Ask for a back-test and start the job that replays the orders.

    It tries the promotion as it is now; what happens to it afterwards changes nothing.
    One that is still under way with the same of the same is returned instead.

    Args:
        days: of ``SPANS``, whole days of the shop with today as the last.

    Raises:
        SpanNotOffered: as it says.
        RecipeInvalid: nobody can mean the promotion.
        Promotion.DoesNotExist: it is gone.
    """
    if days not in SPANS:
        raise SpanNotOffered
    promotion = lock_promotion(promotion_id)
    recipe_of(promotion)
    going = _going(promotion, days)
    if going is not None:
        return going
    backtest = _begun(promotion, days, actor=actor, now=now)
    backtest.job = enqueue(
        kind=JOB, params={"backtest": backtest.public_id}, owner=actor, now=now
    )
    backtest.save(update_fields=["job"])
    record_audit(
        actor=actor,
        action="campaigns.backtest.start",
        obj=backtest,
        detail={"promotion": backtest.promotion.public_id, "days": days},
        now=now,
    )
    return backtest


def _going(promotion: Promotion, days: int) -> Backtest | None:
    """Return a back-test of just this that is under way."""
    return Backtest.objects.filter(
        promotion_id=promotion.changes_id or promotion.pk,
        digest=digest_of(promotion),
        days=days,
        job__state__in=[Job.State.QUEUED, Job.State.RUNNING],
    ).first()


def _begun(promotion: Promotion, days: int, *, actor: Any, now: datetime) -> Backtest:
    """Write what is tried, and on which days."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    budget_minor = promotion.budget and promotion.budget.amount_minor
    totals = Totals(
        left_minor=budget_minor,
        left_uses=promotion.limit_total,
        left_units=promotion.limit_units,
    )
    return Backtest.objects.create(
        promotion_id=promotion.changes_id or promotion.pk,
        is_change=promotion.changes_id is not None,
        kind=promotion.kind,
        recipe=promotion.recipe,
        terms=terms_of(promotion),
        budget_minor=budget_minor,
        digest=digest_of(promotion),
        days=days,
        since=bounds_of_day(first, zone)[0],
        until=now,
        found=totals.as_json(),
        carts=CartTotals().as_json(),
        asked_by=actor,
        asked_at=now,
    )


def count_orders(backtest: Backtest) -> int:
    """Return how many orders a back-test looks at."""
    return _orders(backtest).count()


def replay_chunk(
    *, backtest_id: int, after: tuple[str, int] | None, replaying: Replaying
) -> tuple[int, tuple[str, int] | None]:
    """Replay the next orders, inside the caller's transaction.

    Args:
        after: where the chunk before ended.

    Returns:
        How many there were, and where they end; none were left at 0.
    """
    backtest = Backtest.objects.select_for_update(no_key=True).get(pk=backtest_id)
    since = after and (datetime.fromisoformat(after[0]), after[1])
    stored = stored_orders(
        _orders(backtest), after=since, count=CHUNK, needs=replaying.needs
    )
    if not stored:
        return 0, after
    totals = backtest.totals
    for each in stored:
        order = replaying.past_order(each)
        totals.add(replay(order, totals.next_of(replaying.tried)))
    backtest.found = totals.as_json()
    backtest.save(update_fields=["found"])
    last = stored[-1]
    return len(stored), (last.placed_at.astimezone(UTC).isoformat(), last.pk)


def _orders(backtest: Backtest) -> Any:
    return orders_to_replay(
        since=backtest.since, until=backtest.until, currency=settings.SHOP_CURRENCY
    )

"""Background doors of loyalty."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from celery import shared_task
from django.utils.timezone import localdate

from crm.shared import clock
from loyalty.services.activating import date_lots, pay_debts
from loyalty.services.birthdays import grant_birthdays
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import end_freezes
from loyalty.services.giving_benefits import give_birthday_gifts, give_drips
from loyalty.services.referring import sweep_referrals
from loyalty.services.renewing import renew_due
from loyalty.services.scoring import score_buyers
from loyalty.services.tier_nights import review_tiers, warn_of_falls
from loyalty.services.versioning import begin_due_versions
from orders.services.cancelling import release_unpaid

log = logging.getLogger(__name__)


@shared_task
def nightly(moment: str = "") -> dict[str, int]:
    """Do what time alone brings, in the order of P29; return what each step did.

    A step that fails is logged and counted as -1, and stops no other. Run again, or
    for a moment that is past, it books only what would have been booked then.

    Args:
        moment: ISO 8601 with offset; empty is now.
    """
    now = datetime.fromisoformat(moment) if moment else clock.now()
    return {name: _run(name, step, now) for name, step in STEPS}


def _run(name: str, step: Callable[..., int], now: datetime) -> int:
    try:
        return step(now=now)
    except Exception:
        log.exception("step %s of the night failed", name)
        return -1


def _until_nothing_is_left(step: Callable[..., int]) -> Callable[..., int]:
    def all_of_it(*, now: datetime) -> int:
        total = 0
        while some := step(now=now):
            total += some
        return total

    return all_of_it


#: P29, in this order; there is no automatic redemption.
STEPS: tuple[tuple[str, Callable[..., int]], ...] = (
    ("release_holds", _until_nothing_is_left(release_unpaid)),
    ("activate", _until_nothing_is_left(date_lots)),
    ("expire", _until_nothing_is_left(expire_lots)),
    ("pay_debt", _until_nothing_is_left(pay_debts)),
    ("begin_versions", begin_due_versions),
    ("review_tiers", review_tiers),
    ("warn_of_falls", warn_of_falls),
)


@shared_task
def renew_plans() -> int:
    """Renew, ask again for or end every plan that is due; return how many."""
    now = clock.now()
    looked = 0
    while some := renew_due(now=now):
        looked += some
    return looked


@shared_task
def reward_birthdays() -> int:
    """Grant the points of today's birthdays, once a year; return how many."""
    return grant_birthdays(now=clock.now())


@shared_task
def unfreeze_points() -> int:
    """Give back points that were frozen until now; return how many freezes ended."""
    now = clock.now()
    ended = 0
    while some := end_freezes(now=now):
        ended += some
    return ended


@shared_task
def give_benefits() -> int:
    """Give birthday gifts and what comes every period; return how many."""
    now = clock.now()
    return give_birthday_gifts(now=now) + give_drips(now=now)


@shared_task
def reward_kept_referrals() -> None:
    """Look at every friend whose order can no longer be sent back."""
    now = clock.now()
    after = 0
    while after := sweep_referrals(now=now, after_id=after):
        pass


@shared_task
def score_members() -> int:
    """Score every buyer as of yesterday, the last whole day; return how many."""
    now = clock.now()
    return score_buyers(day=localdate(now) - timedelta(days=1), now=now).buyers

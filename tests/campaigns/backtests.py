"""What tests of back-tests share: drafts, sold orders, runs, and their ends."""

from collections.abc import Callable
from datetime import timedelta

from campaigns.models import Backtest, Promotion
from campaigns.services.backtesting import order_backtest
from campaigns.services.drafting import write_draft
from crm.shared.jobs import run_job
from crm.shared.models import Job
from orders.models import Order
from tests.campaigns.recipes import of_kind, published
from tests.cast import NOON
from tests.orders.shop import fill_cart, pay, place

DAY = timedelta(days=1)
TENTH = of_kind("percent", {"percent_bp": 1_000})


def draft(dana, **content) -> Promotion:
    usual = {"name": "春茶", "starts_at": NOON, "exclusive_group": "", **TENTH}
    return write_draft(promotion_id=None, content=usual | content, actor=dana, now=NOON)


def live(dana, **content) -> Promotion:
    made = draft(dana, **content)
    return published(made, dana)


def sold(items, *, member=None, now=NOON, codes=()) -> Order:
    cart = fill_cart(items, member=member, now=now)
    cart.coupon_codes = list(codes)
    cart.save(update_fields=["coupon_codes"])
    order = place(cart, now=now)
    pay(order, now=now)
    return order


def ask(promotion, dana, *, days=7, now=NOON + DAY) -> Backtest:
    return order_backtest(promotion_id=promotion.pk, days=days, actor=dana, now=now)


def run(promotion, dana, **how) -> Backtest:
    asked = ask(promotion, dana, **how)
    run_job(asked.job_id)
    return Backtest.objects.select_related("job").get(pk=asked.pk)


def killed_after(chunk: Callable, *, chunks: int, calls: list) -> Callable:
    """Return the work of a chunk, killed once it wrote, before its commit.

    Args:
        chunks: so many are committed before.
        calls: is given where each chunk began.
    """

    def killed(**how):
        calls.append(how["after"])
        answer = chunk(**how)
        if len(calls) == chunks + 1:
            raise KeyboardInterrupt
        return answer

    return killed


def cancelled_in(chunk: Callable, *, job_id: int) -> Callable:
    """Return the work of a chunk during whose second somebody stops the job."""

    def cancelling(**how):
        answer = chunk(**how)
        if how["after"]:
            Job.objects.filter(pk=job_id).update(cancel_requested=True)
        return answer

    return cancelling

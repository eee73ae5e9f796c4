"""Long work of the campaigns app, run by ``crm.shared.jobs``."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Backtest, CouponBatch, CouponTemplate, Segment
from campaigns.services.backtesting import count_orders, replay_chunk
from campaigns.services.coding import make_chunk
from campaigns.services.issuing import issue_to_members
from campaigns.services.replaying import Replaying
from campaigns.services.replaying_carts import CartReplaying, count_carts, replay_carts
from campaigns.services.revoking import coupons_to_revoke, revoke_chunk
from campaigns.services.segmenting import members_after, refresh_segment
from crm.shared.conditions import ConditionError
from crm.shared.jobs import JobFailed, JobProgress

#: Members who get coupons in one transaction.
_MEMBERS = 2_000


def make_codes(progress: JobProgress) -> dict[str, Any]:
    """Make the codes of a batch; the job's kind is ``campaigns.make_codes``.

    Params: ``batch``, a public id. Each chunk commits with its count, so a job that is
    cancelled or killed leaves whole chunks, and goes on after them.

    Returns:
        How many codes the batch has.
    """
    batch = CouponBatch.objects.get(public_id=progress.params["batch"])
    progress.advance(total=batch.wanted)
    while batch.made < batch.wanted and batch.revoked_at is None:
        with transaction.atomic():
            batch = make_chunk(batch_id=batch.pk)
            progress.advance(done=batch.made)
    return {"codes": batch.made}


def revoke_coupons(progress: JobProgress) -> dict[str, Any]:
    """Revoke the coupons of a template; the job's kind is ``campaigns.revoke_coupons``.

    Params: ``template``, a public id. The cursor keeps the last coupon looked at, so a
    job that is cancelled or killed leaves whole chunks, and goes on after them.

    Returns:
        How many were revoked, and how many stay with an order.
    """
    coupons = coupons_to_revoke(
        template=progress.params["template"], until=progress.asked_at
    )
    at = {"after": 0, "coupons": 0, "skipped": 0, **progress.cursor}
    if not progress.cursor:
        progress.advance(total=coupons.count())
    while True:
        with transaction.atomic():
            outcome, count, last = revoke_chunk(coupons=coupons, after=at["after"])
            if not count:
                break
            at = {
                "after": last,
                "coupons": at["coupons"] + outcome.coupons,
                "skipped": at["skipped"] + outcome.skipped,
            }
            progress.advance(done=progress.done + count, cursor=at)
    return {"coupons": at["coupons"], "skipped": at["skipped"]}


def look_at_segment(progress: JobProgress) -> dict[str, Any]:
    """Look who is in a segment; the job's kind is ``campaigns.refresh_segment``.

    Params: ``segment``, a public id.

    Returns:
        How many members it has.

    Raises:
        JobFailed: it was deleted, or asks about something that is no more.
    """
    segment = _segment(progress)
    try:
        found = refresh_segment(segment_id=segment.pk, now=progress.asked_at)
    except ConditionError:
        raise JobFailed(_("It asks about something that is no more.")) from None
    return {"members": found}


def issue_to_segment(progress: JobProgress) -> dict[str, Any]:
    """Give coupons to a segment; the job's kind is ``campaigns.issue_to_segment``.

    Params: ``segment`` and ``template``, public ids, and ``source``, by which nobody
    gets two. The cursor keeps the last member looked at, so a job that is cancelled or
    killed leaves whole chunks, and goes on after them.

    Returns:
        How many got one, had theirs before, or came too late for the stock.

    Raises:
        JobFailed: the segment was deleted.
        TemplateNotLive: the template was ended; who has a coupon keeps it.
    """
    segment = _segment(progress)
    template = CouponTemplate.objects.get(public_id=progress.params["template"])
    at = {"after": 0, "issued": 0, "had_it": 0, "too_late": 0, **progress.cursor}
    if not progress.cursor:
        progress.advance(total=segment.in_it.count())
    while chunk := members_after(
        segment_id=segment.pk, after=at["after"], count=_MEMBERS
    ):
        with transaction.atomic():
            report = issue_to_members(
                template_id=template.pk,
                member_ids=chunk,
                source=progress.params["source"],
                now=progress.asked_at,
            )
            at = {
                "after": chunk[-1],
                "issued": at["issued"] + report.issued,
                "had_it": at["had_it"] + report.had_it,
                "too_late": at["too_late"] + report.too_late,
            }
            progress.advance(done=progress.done + len(chunk), cursor=at)
    return {key: at[key] for key in ("issued", "had_it", "too_late")}


def _segment(progress: JobProgress) -> Segment:
    try:
        return Segment.objects.get(public_id=progress.params["segment"])
    except Segment.DoesNotExist:
        raise JobFailed(_("The segment was deleted.")) from None


def run_backtest(progress: JobProgress) -> dict[str, Any]:
    """Replay orders, then carts, for a back-test; its kind is ``campaigns.backtest``.

    Params: ``backtest``, a public id. The cursor keeps the last order and the last cart
    replayed, and the row the totals up to them, so a job that is killed goes on after
    its last chunk.

    Returns:
        How many orders were looked at, and how many would have been touched.

    Raises:
        JobFailed: its draft was thrown away.
    """
    rows = Backtest.objects.select_related("promotion")
    try:
        backtest = rows.get(public_id=progress.params["backtest"])
        _replay(backtest, progress)
        totals = rows.get(pk=backtest.pk).totals
    except Backtest.DoesNotExist:
        raise JobFailed(_("The draft was thrown away.")) from None
    return {"orders": totals.orders, "touched": totals.touched}


def _replay(backtest: Backtest, progress: JobProgress) -> None:
    replaying = Replaying.of(backtest)
    if progress.total is None:
        total = count_orders(backtest) + count_carts(backtest)
        progress.advance(total=total)
    _replay_all(backtest, progress, "after", partial(replay_chunk, replaying=replaying))
    left = CartReplaying.of(backtest, replaying)
    _replay_all(backtest, progress, "carts", partial(replay_carts, replaying=left))


def _replay_all(
    backtest: Backtest, progress: JobProgress, place: str, chunk: Callable[..., Any]
) -> None:
    """Replay chunk after chunk; the cursor keeps under ``place`` where they end."""
    is_more = True
    while is_more:
        after = progress.cursor.get(place)
        with transaction.atomic():
            count, after = chunk(backtest_id=backtest.pk, after=after)
            cursor = {**progress.cursor, place: after}
            progress.advance(done=progress.done + count, cursor=cursor)
        is_more = count > 0

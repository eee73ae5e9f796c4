"""Move members to the tiers their numbers reach: the only writer of tiers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from crm.shared.outbox import record_all
from loyalty.events import TierChanged
from loyalty.models import PointsAccount, TierChange, TierStanding
from loyalty.queries.tier_measures import Counted, counted
from loyalty.queries.tier_returns import came_back
from loyalty.queries.tier_terms import LadderInForce, ladders_in_force
from loyalty.rules.lifts import CameBack, plain_lifts
from loyalty.rules.terms import Held, Look, Occasion, Start
from loyalty.services.posting import locked_account

#: Columns of a standing besides its tier.
_TERMS = (
    *("since", "valid_until", "grace_until", "is_pinned", "pinned_until"),
    "lifted_by",
)
_LONGEST_REASON = 80


@dataclass(frozen=True, slots=True)
class Deed:
    """Why tiers are looked at, and when.

    ``reason`` goes into the history, ``cause`` is the order a payment is about,
    ``since`` when a change takes effect: an order lifts from the moment it was
    paid, however late the news comes (T4). ``tells`` publishes TierChanged.
    """

    now: datetime
    reason: str
    occasion: Occasion = Occasion.REVIEW
    cause: str = ""
    since: datetime | None = None
    start: Start = Start()
    tells: bool = True


@transaction.atomic
def review_tier(
    *,
    member_id: int,
    reason: str,
    now: datetime,
    occasion: Occasion = Occasion.REVIEW,
    since: datetime | None = None,
    cause: str = "",
) -> TierChange | None:
    """Look at a member on every ladder, publish TierChanged of each change.

    Rungs may be skipped (T4). Looking again for the same instant changes nothing
    (T11). Frozen and closed memberships are not looked at (T15). A payment of which
    the news are late is looked at as of then, too: it may have earned a term that
    is still good, in a period that is over.

    Args:
        reason: why it is looked at, such as ``order:ord_01J…``; at most 80 characters.
        now: value up to this moment counts (T6).
        occasion: a payment only lifts; a return undoes lifts of what came back (T9).
        since: when the change takes effect; default ``now``.
        cause: the order that was bought; its refund undoes the lift (T9).

    Returns:
        The change on the main ladder, or None when the tier stays.
    """
    locked_account(member_id=member_id, now=now)
    deed = Deed(now=now, reason=reason, occasion=occasion, cause=cause, since=since)
    is_late = occasion == Occasion.PAYMENT and since is not None and since < now
    main = None
    for ladder in ladders_in_force():
        deeds = [deed]
        # Without terms only what counts now gives a tier.
        if is_late and ladder.terms.term != "none":
            deeds.insert(0, replace(deed, now=since))
        for one in deeds:
            changes = look_at(ladder=ladder, member_ids=[member_id], deed=one)
            if ladder.is_main and changes:
                main = changes[0]
    return main


def look_at(
    *, ladder: LadderInForce, member_ids: Collection[int], deed: Deed
) -> list[TierChange]:
    """Look at members on one ladder and write what changes, in a few statements.

    Args:
        member_ids: their accounts are locked by the caller.
    """
    found = counted(ladder, at=deed.now, member_ids=member_ids)
    moved = []
    for each in found.values():
        is_later = each.held.since is not None and each.held.since > deed.now
        if each.is_evaluated and not (is_later and deed.occasion == Occasion.START):
            after = outcome(ladder=ladder, each=each, deed=deed)
            if after != each.held:
                moved.append((each, after))
    return write(ladder=ladder, moved=moved, deed=deed)


def outcome(
    *,
    ladder: LadderInForce,
    each: Counted,
    deed: Deed,
    returned: Mapping[str, CameBack] | None = None,
) -> Held:
    """Return what a member would hold after a look; writes nothing.

    Args:
        returned: by cause, what came back of lifts; default is what the ledger says.
    """
    if returned is None and deed.occasion == Occasion.RETURN:
        returned = came_back(ladder, each)
    look = Look(
        terms=ladder.terms,
        at=deed.now,
        joined_at=each.joined_at,
        occasion=deed.occasion,
        cause=deed.cause,
        came_back=returned or {},
        start=deed.start,
        since=deed.since,
    )
    measured = ladder.terms.measure(each.held.tier, each.numbers, each.to_keep)
    return look.outcome(each.held, measured)


def write(
    *, ladder: LadderInForce, moved: Sequence[tuple[Counted, Held]], deed: Deed
) -> list[TierChange]:
    """Write what members hold now: standings, the history, the accounts, the news."""
    _write_standings(ladder, moved)
    steps = [(each, after) for each, after in moved if each.held.tier != after.tier]
    moments = _moments(ladder, [each.member_id for each, _after in steps], deed)
    changes = TierChange.objects.bulk_create(
        TierChange(
            member_id=each.member_id,
            from_tier=ladder.tiers.get(each.held.tier or ""),
            to_tier=ladder.tiers.get(after.tier or ""),
            value_minor=each.numbers.get(ladder.terms.metric, 0),
            reason=deed.reason[:_LONGEST_REASON],
            occurred_at=moments[each.member_id],
        )
        for each, after in steps
    )
    if ladder.is_main:
        _write_accounts(ladder, [after for _each, after in steps], changes)
    if deed.tells:
        record_all(_news(ladder, steps, changes))
    return changes


def _moments(
    ladder: LadderInForce, member_ids: Sequence[int], deed: Deed
) -> dict[int, datetime]:
    """Return when each change took effect: no earlier than the one before it (P7)."""
    at = deed.since or deed.now
    if not member_ids or at >= deed.now:
        return dict.fromkeys(member_ids, at)
    tiers = [tier.pk for tier in ladder.tiers.values()]
    before = TierChange.objects.filter(
        Q(from_tier__in=tiers) | Q(to_tier__in=tiers),
        member_id__in=member_ids,
        occurred_at__gt=at,
    )
    last = before.values("member_id").annotate(last=Max("occurred_at"))
    return dict.fromkeys(member_ids, at) | dict(last.values_list("member_id", "last"))


def _write_standings(
    ladder: LadderInForce, moved: Sequence[tuple[Counted, Held]]
) -> None:
    rows = []
    for each, after in moved:
        if ladder.is_main and not (_says_more(each.held) or _says_more(after)):
            continue
        row = TierStanding(member_id=each.member_id, ladder=ladder.ladder)
        row.tier = ladder.tiers.get(after.tier or "")
        row.put_aside = plain_lifts(after.put_aside)
        for name in _TERMS:
            setattr(row, name, getattr(after, name))
        rows.append(row)
    TierStanding.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["ladder", "member"],
        update_fields=["tier", "put_aside", *_TERMS],
    )


def _says_more(held: Held) -> bool:
    """Whether a standing says more than the account does."""
    return held.is_pinned or held.valid_until is not None


def _write_accounts(
    ladder: LadderInForce, held: Sequence[Held], changes: Sequence[TierChange]
) -> None:
    """Write the fast copy of the main ladder, one statement a tier."""
    members: dict[tuple[str | None, datetime | None], list[int]] = {}
    for after, change in zip(held, changes, strict=True):
        members.setdefault((after.tier, after.since), []).append(change.member_id)
    for (code, since), ids in members.items():
        PointsAccount.objects.filter(pk__in=ids).update(
            tier=ladder.tiers.get(code or ""), tier_since=since
        )


def _news(
    ladder: LadderInForce,
    steps: Sequence[tuple[Counted, Held]],
    changes: Sequence[TierChange],
) -> Iterator[TierChanged]:
    terms = ladder.terms
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    for (each, after), change in zip(steps, changes, strict=True):
        before, reached = terms.rank(each.held.tier), terms.rank(after.tier)
        first = before + 1 if terms.gifts_of_skipped else reached
        gifts = terms.rungs[max(first, 0) : reached + 1] if reached > before else ()
        year = str(change.occurred_at.astimezone(zone).year)
        yield TierChanged(
            member_id=each.member_id,
            change_id=change.pk,
            to_tier_code=after.tier or "",
            is_upgrade=reached > before,
            ladder=ladder.ladder.code,
            gifts=[rung.code for rung in gifts if not rung.is_removed],
            cycle=year if terms.yearly_gifts else "",
        )


def settle_tiers(
    *, accounts: Collection[PointsAccount], reason: str, now: datetime
) -> int:
    """Put members on the tiers reached now, up or down, without telling anybody.

    For past orders brought in: the history is kept, but no TierChanged is published,
    so nobody gets a message or a gift. The same few statements for any number.

    Args:
        accounts: locked by the caller.

    Returns:
        How many members changed their tier on the main ladder.
    """
    deed = Deed(now=now, reason=reason, tells=False)
    moved = 0
    for ladder in ladders_in_force():
        ids = [account.pk for account in accounts]
        changes = look_at(ladder=ladder, member_ids=ids, deed=deed)
        moved += len(changes) if ladder.is_main else 0
    return moved

"""Change a ladder: drafts, publishing now or later, going back (T13, T14).

A version that costs many members their tier is published by two people (ADR 0030).
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.approvals import ask_for_approval, waiting_approvals
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue
from crm.shared.models import Approval
from loyalty.models import Ladder, LadderVersion, PointsAccount, Tier, VersionRung
from loyalty.queries.tier_terms import (
    LADDER_FIELDS,
    MAIN_LADDER,
    RUNG_FIELDS,
    ladders_in_force,
    start_of,
)
from loyalty.queries.what_if import what_if
from loyalty.rules.terms import Occasion
from loyalty.services.tier_nights import in_chunks
from loyalty.services.tiering import Deed, look_at

SETTLE_JOB = "loyalty.settle_version"
#: Kind of approval; see ``crm.wiring.APPROVALS``.
KIND = "loyalty.ladder"
_State = LadderVersion.State


class VersionNotDraft(Refusal):
    """Only a draft can be changed or published."""

    code = "ladder_version_not_draft"
    message = _("Only a draft can be changed or published.")


class VersionNotScheduled(Refusal):
    """Only a version that waits for its day can be taken back."""

    code = "ladder_version_not_scheduled"
    message = _("Only a version that waits for its day can be taken back.")


class AnotherIsScheduled(Refusal):
    """Another version of this ladder waits for its day already."""

    code = "ladder_version_scheduled"
    message = _("Another version of this ladder waits for its day already.")


class VersionNotSound(Refusal):
    """The version cannot be published as it is."""

    code = "ladder_version_not_sound"
    status = 422
    message = "%(what)s"


class VersionWaits(Refusal):
    """It waits for somebody else to agree; that is taken back first."""

    code = "ladder_version_waits"
    message = _("It waits for somebody else to agree; take that back first.")


class ChangedSinceAsked(Refusal):
    """This is not what approval was asked for; ask again."""

    code = "ladder_version_changed_since_asked"
    message = _("This is not what approval was asked for; ask again.")


@transaction.atomic
def begin_draft(
    *, ladder_id: int, actor: Any, now: datetime, of: int | None = None
) -> LadderVersion:
    """Write a draft that says what is in force now, or what an older version said.

    Publishing the draft of an older version is how a ladder is rolled back.

    Args:
        of: the older version; default is the ladder in force.
    """
    ladder = Ladder.objects.select_for_update().get(pk=ladder_id)
    source: Ladder | LadderVersion = ladder
    rungs = list(ladder.tiers.filter(removed_at=None))
    if of is not None:
        source = ladder.versions.get(pk=of)
        rungs = list(source.rungs.all())
    version = LadderVersion.objects.create(
        ladder=ladder, created_at=now, **_fields(source)
    )
    VersionRung.objects.bulk_create(_rungs(version, rungs))
    record_audit(actor=actor, action="ladders.draft", obj=version, now=now)
    return version


@transaction.atomic
def discard_draft(*, version_id: int, actor: Any, now: datetime) -> None:
    """Throw a draft away.

    Raises:
        VersionNotDraft: it was published.
        VersionWaits: somebody else is asked to agree to it.
    """
    version = _locked_draft(version_id)
    if waiting_for(version, now=now) is not None:
        raise VersionWaits
    record_audit(actor=actor, action="ladders.discard", obj=version, now=now)
    version.delete()


@transaction.atomic
def publish_version(
    *, version_id: int, actor: Any, reason: str, now: datetime
) -> LadderVersion | Approval:
    """Put a draft in force, at once or from the day it names (T13), or ask for it.

    Nobody is looked at before it begins. Where it costs more members their tier than
    one person may, somebody else must agree first; asked again, it is the same asking.

    Returns:
        The version that is in force or waits for its day, or what is asked for.

    Raises:
        VersionNotDraft: it was published already.
        AnotherIsScheduled: another one waits already.
        VersionNotSound: its numbers do not make a ladder.
    """
    version = _locked_draft(version_id)
    waiting = waiting_for(version, now=now)
    if waiting is not None:
        return waiting
    _refuse_unsound(version)
    losing = what_if(version, at=now).losing
    if losing <= settings.LADDER_FALL_LIMIT:
        return _publish(version, actor=actor, reason=reason, now=now)
    return ask_for_approval(
        kind=KIND,
        params={
            "version": version.pk,
            "digest": digest_of(version),
            "name": version.ladder.name,
            "losing": losing,
        },
        subject=version.public_id,
        reason=reason,
        author=actor,
        source=f"{version.public_id}:{now:%Y%m%dT%H%M%S%f}",
        now=now,
    )


@transaction.atomic
def publish_approved(
    *, version_id: int, digest: str, author: Any, reason: str, now: datetime
) -> LadderVersion:
    """Publish what a second person agreed to, as it was when that was asked for.

    Raises:
        ChangedSinceAsked: it was changed, published or thrown away meanwhile.
        AnotherIsScheduled, VersionNotSound: as for ``publish_version``.
    """
    try:
        version = _locked_draft(version_id)
    except (LadderVersion.DoesNotExist, VersionNotDraft):
        raise ChangedSinceAsked from None
    if digest_of(version) != digest:
        raise ChangedSinceAsked
    _refuse_unsound(version)
    return _publish(version, actor=author, reason=reason, now=now)


def waiting_for(version: LadderVersion, *, now: datetime) -> Approval | None:
    """Return what somebody else is asked to agree to about a version."""
    return waiting_approvals(now).filter(kind=KIND, subject=version.public_id).first()


def digest_of(version: LadderVersion) -> str:
    """Return what tells whether a version is still what somebody looked at."""
    own = _fields(version, (*LADDER_FIELDS, "falls", "keep_until", "starts_at"))
    rungs = [_fields(rung, RUNG_FIELDS) for rung in version.rungs.order_by("code")]
    text = json.dumps([own, rungs], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


def _publish(
    version: LadderVersion, *, actor: Any, reason: str, now: datetime
) -> LadderVersion:
    record_audit(
        actor=actor, action="ladders.publish", obj=version, reason=reason, now=now
    )
    if version.starts_at is None or version.starts_at <= now:
        return _begin(version, now=now)
    if version.ladder.versions.filter(state=_State.SCHEDULED).exists():
        raise AnotherIsScheduled
    version.state = _State.SCHEDULED
    version.save(update_fields=["state"])
    return version


@transaction.atomic
def take_back_version(
    *, version_id: int, actor: Any, reason: str, now: datetime
) -> LadderVersion:
    """Make a draft again of a version that has not begun.

    Raises:
        VersionNotScheduled: it does not wait.
    """
    version = LadderVersion.objects.select_for_update().get(pk=version_id)
    if version.state != _State.SCHEDULED:
        raise VersionNotScheduled
    version.state = _State.DRAFT
    version.save(update_fields=["state"])
    record_audit(
        actor=actor, action="ladders.take_back", obj=version, reason=reason, now=now
    )
    return version


@transaction.atomic
def begin_due_versions(*, now: datetime) -> int:
    """Put in force what was scheduled for ``now`` or before; return how many."""
    due = LadderVersion.objects.select_for_update(of=["self"]).select_related("ladder")
    due = due.filter(state=_State.SCHEDULED, starts_at__lte=now).order_by("starts_at")
    return len([_begin(version, now=now) for version in due])


def _refuse_unsound(version: LadderVersion) -> None:
    for fault in faults(version):
        raise VersionNotSound(what=str(fault))


def faults(
    version: LadderVersion, *, rungs: Sequence[VersionRung] | None = None
) -> Iterator[Any]:
    """Yield why a draft cannot be published.

    Args:
        rungs: as they are not saved yet; default is those of the version.
    """
    rungs = list(version.rungs.all()) if rungs is None else rungs
    counts = version.metric != Ladder.Metric.NONE
    is_main = version.ladder.code == MAIN_LADDER
    if not rungs:
        yield _("It has no tiers.")
    if len({rung.threshold_minor for rung in rungs}) < len(rungs):
        yield _("Two tiers have the same threshold.")
    if is_main and not counts:
        yield _("The main ladder must count something.")
    if is_main and rungs and min(rung.threshold_minor for rung in rungs) > 0:
        yield _("The lowest tier of the main ladder must begin at 0.")
    if any((rung.keep_minor or 0) > rung.threshold_minor for rung in rungs):
        yield _("To keep a tier cannot take more than to reach it.")
    is_calendar = version.window != Ladder.Window.DAYS
    if counts and is_calendar and version.term == Ladder.Term.NONE:
        yield _("What is counted by periods needs a term, or all fall when one ends.")


def _begin(version: LadderVersion, *, now: datetime) -> LadderVersion:
    """Write a version over the ladder in force; its members follow in a job."""
    ladder = Ladder.objects.select_for_update().get(pk=version.ladder_id)
    if not ladder.versions.filter(state=_State.LIVE).exists():
        _keep_present(ladder, now=now)
    ladder.versions.filter(state=_State.LIVE).update(state=_State.PAST)
    Ladder.objects.filter(pk=ladder.pk).update(**_fields(version), looked_until=None)
    # Thresholds may change places: nothing stands while they are written.
    ladder.tiers.filter(removed_at=None).update(removed_at=now)
    Tier.objects.bulk_create(
        (
            Tier(ladder=ladder, removed_at=None, **_fields(rung, RUNG_FIELDS))
            for rung in version.rungs.all()
        ),
        update_conflicts=True,
        unique_fields=["ladder", "code"],
        update_fields=["removed_at", *(f for f in RUNG_FIELDS if f != "code")],
    )
    version.state, version.began_at = _State.LIVE, now
    version.save(update_fields=["state", "began_at"])
    enqueue(kind=SETTLE_JOB, params={"version": version.pk}, owner=None, now=now)
    return version


def _keep_present(ladder: Ladder, *, now: datetime) -> None:
    """Keep what is in force as a version, so that one can go back to it."""
    past = LadderVersion.objects.create(
        ladder=ladder, state=_State.PAST, created_at=now, **_fields(ladder)
    )
    tiers = ladder.tiers.filter(removed_at=None)
    VersionRung.objects.bulk_create(_rungs(past, list(tiers)))


def settle_version(*, version_id: int, after: int, limit: int) -> int | None:
    """Look at the next members by a version that began; return the last, None at end.

    Each is looked at as of the moment it began, once: done again it changes nothing.

    Args:
        after: the member with whom the chunk before ended; 0 at first.
        limit: members of this chunk.
    """
    version = LadderVersion.objects.select_related("ladder").get(pk=version_id)
    now = version.began_at
    members = list(
        PointsAccount.objects.filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )
    if version.state != _State.LIVE or not members:
        return None
    deed = Deed(
        now=now,
        reason=f"version:{version.public_id}",
        occasion=Occasion.START,
        start=start_of(version),
    )
    for ladder in ladders_in_force():
        if ladder.ladder.pk == version.ladder_id:
            in_chunks(
                ladder=ladder,
                member_ids=members,
                work=lambda ladder, some: len(
                    look_at(ladder=ladder, member_ids=some, deed=deed)
                ),
            )
    return members[-1]


def _locked_draft(version_id: int) -> LadderVersion:
    drafts = LadderVersion.objects.select_for_update(of=["self"])
    version = drafts.select_related("ladder").get(pk=version_id)
    if version.state != _State.DRAFT:
        raise VersionNotDraft
    return version


def _fields(row: Any, names: tuple[str, ...] = LADDER_FIELDS) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _rungs(version: LadderVersion, rows: list[Any]) -> list[VersionRung]:
    return [VersionRung(version=version, **_fields(row, RUNG_FIELDS)) for row in rows]

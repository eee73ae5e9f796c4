"""The life of a promotion: published alone or by two, paused, ended, changed.

``rules.promotion_life`` says which moves there are. Every move is made under the lock
of the row, for a reason, and leaves an entry in the audit trail.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.models import Promotion, PromotionRevision
from campaigns.rules.promotion_life import ONE, TWO, may_move, needs_two
from campaigns.services.budgeting import lock_budget
from campaigns.services.drafting import (
    content_of,
    digest_of,
    lock_promotion,
    recipe_of,
    refuse_unseen,
)
from crm.shared.approvals import ask_for_approval, withdraw
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.models import Approval

#: Kind of approval; see ``crm.wiring.APPROVALS``.
KIND = "campaigns.promotion"
_State = Promotion.State


class MoveNotAllowed(Refusal):
    """This promotion cannot do that from where it stands."""

    code = "promotion_move_not_allowed"
    message = _("This promotion cannot do that from where it stands.")


class ReasonMissing(Refusal):
    """Say why."""

    code = "reason_missing"
    status = 422
    message = _("Say why.")


class PromotionOver(Refusal):
    """Its time is over before it begins; give it another end."""

    code = "promotion_over"
    status = 422
    message = _("Its time is over before it begins; give it another end.")


class LimitBelowUses(Refusal):
    """It has been used more often than the new limit allows."""

    code = "promotion_limit_below_uses"
    status = 422
    message = _("It has been used more often than the new limit allows.")


class ChangedSinceAsked(Refusal):
    """This is not what approval was asked for; ask again."""

    code = "promotion_changed_since_asked"
    message = _("This is not what approval was asked for; ask again.")


class AskedBySomebodyElse(Refusal):
    """Who asked for approval takes it back; you can reject it."""

    code = "asked_by_somebody_else"
    message = _("Who asked for approval takes it back; you can reject it.")


@transaction.atomic
def publish_promotion(
    *, promotion_id: int, reason: str, actor: Any, now: datetime, seen: str = ""
) -> Promotion | Approval:
    """Publish a draft, or ask somebody else to agree where it gives much away.

    A draft that changes something published takes its place in this transaction; the
    promotion keeps its id, its uses and its state, and the draft is gone.

    Args:
        reason: why, for the history and whoever agrees.
        seen: ``digest_of`` what ``actor`` looked at; empty does not ask.

    Returns:
        What is published now, or the approval that is waited for.

    Raises:
        ChangedSinceSeen: it is not what ``actor`` looked at.
        MoveNotAllowed, ReasonMissing, PromotionOver, LimitBelowUses: as they say.
        RecipeInvalid: nobody can mean it.
    """
    draft = _locked(promotion_id, to_state=_State.LIVE, who=ONE, reason=reason)
    if draft.state != _State.DRAFT:
        raise MoveNotAllowed
    _lock_budget_of(draft)
    refuse_unseen(draft, seen=seen)
    if not wants_approval(draft):
        return _publish(draft, reason=reason, author=actor, now=now)
    _refuse_over(draft, now)
    approval = ask_for_approval(
        kind=KIND,
        params={
            "promotion": draft.pk,
            "digest": digest_of(draft),
            "name": draft.name,
            "budget_minor": draft.budget and draft.budget.amount_minor,
            "share_bp": recipe_of(draft).share_bp,
        },
        subject=draft.public_id,
        reason=reason,
        author=actor,
        source=f"{draft.public_id}:{now:%Y%m%dT%H%M%S%f}",
        now=now,
    )
    draft.approval = approval
    _move(draft, _State.WAITING, reason=reason, actor=actor, now=now)
    return approval


@transaction.atomic
def publish_approved(
    *, promotion_id: int, digest: str, reason: str, author: Any, now: datetime
) -> Promotion:
    """Publish what a second person agreed to, as it was when that was asked for.

    Raises:
        ChangedSinceAsked: it was taken back, changed or thrown away meanwhile.
        PromotionOver, LimitBelowUses: as for ``publish_promotion``.
    """
    try:
        draft = lock_promotion(promotion_id)
    except Promotion.DoesNotExist:
        raise ChangedSinceAsked from None
    _lock_budget_of(draft)
    is_same = draft.state == _State.WAITING and digest_of(draft) == digest
    if not is_same or not may_move(draft.state, _State.LIVE, TWO):
        raise ChangedSinceAsked
    return _publish(draft, reason=reason, author=author, now=now)


@transaction.atomic
def take_back_promotion(
    *, promotion_id: int, reason: str, actor: Any, now: datetime
) -> Promotion:
    """Make what waits for approval, or did not get it, a draft again.

    Raises:
        AskedBySomebodyElse: it waits, and ``actor`` did not ask.
        ApprovalClosed: it was decided at this moment.
        MoveNotAllowed, ReasonMissing: as they say.
    """
    # The approval is locked first, as by whoever decides on it.
    waiting = Approval.objects.filter(
        pk__in=Promotion.objects.filter(pk=promotion_id).values("approval"),
        state=Approval.State.WAITING,
        expires_at__gt=now,
    ).first()
    if waiting is not None:
        if waiting.author_id != actor.pk:
            raise AskedBySomebodyElse
        withdraw(approval_id=waiting.pk, author=actor, now=now)
    draft = _locked(promotion_id, to_state=_State.DRAFT, who=ONE, reason=reason)
    return _move(draft, _State.DRAFT, reason=reason, actor=actor, now=now)


@transaction.atomic
def pause_promotion(
    *, promotion_id: int, reason: str, actor: Any, now: datetime
) -> Promotion:
    """Take a promotion off for the time being; carts lose it at their next quote."""
    found = _locked(promotion_id, to_state=_State.PAUSED, who=ONE, reason=reason)
    return _move(found, _State.PAUSED, reason=reason, actor=actor, now=now)


@transaction.atomic
def resume_promotion(
    *, promotion_id: int, reason: str, actor: Any, now: datetime
) -> Promotion:
    """Put a paused promotion on again, as it was.

    Raises:
        PromotionOver: its time ended meanwhile.
    """
    found = _locked(promotion_id, to_state=_State.LIVE, who=ONE, reason=reason)
    if found.state != _State.PAUSED:
        raise MoveNotAllowed
    _refuse_over(found, now)
    return _move(found, _State.LIVE, reason=reason, actor=actor, now=now)


@transaction.atomic
def end_promotion(
    *, promotion_id: int, reason: str, actor: Any, now: datetime
) -> Promotion:
    """Take a promotion off for good; a change that nobody published goes with it."""
    found = _locked(promotion_id, to_state=_State.ENDED, who=ONE, reason=reason)
    Promotion.objects.filter(changes=found).delete()
    return _move(found, _State.ENDED, reason=reason, actor=actor, now=now)


def wants_approval(promotion: Promotion) -> bool:
    """Whether a promotion gives more away than one person may.

    Raises:
        RecipeInvalid: nobody can mean it.
    """
    budget = promotion.budget
    return needs_two(
        recipe_of(promotion),
        budget_minor=None if budget is None else budget.amount_minor,
        most_budget_minor=settings.PROMOTION_LIMIT_MINOR,
        most_share_bp=settings.PROMOTION_LIMIT_BP,
    )


def _lock_budget_of(promotion: Promotion) -> None:
    """Lock its budget: nobody raises it while this is published."""
    if promotion.budget_id is not None:
        promotion.budget = lock_budget(promotion.budget_id)


def _locked(promotion_id: int, *, to_state: str, who: str, reason: str) -> Promotion:
    """Lock a promotion that may move there."""
    if not reason.strip():
        raise ReasonMissing
    found = lock_promotion(promotion_id)
    # A draft that is published may have to wait on the way.
    if not may_move(found.state, to_state, who):
        raise MoveNotAllowed
    return found


def _move(
    promotion: Promotion, to_state: str, *, reason: str, actor: Any, now: datetime
) -> Promotion:
    before, promotion.state = promotion.state, to_state
    promotion.save(update_fields=["state", "approval"])
    record_audit(
        actor=actor,
        action="campaigns.promotion.move",
        obj=promotion,
        reason=reason,
        detail={"from": before, "to": to_state},
        now=now,
    )
    return promotion


def _publish(draft: Promotion, *, reason: str, author: Any, now: datetime) -> Promotion:
    """Make a draft, or what it changes, the next revision."""
    recipe_of(draft)
    _refuse_over(draft, now)
    published = draft
    if draft.changes_id is not None:
        published = _replaced(draft)
    else:
        published.state = _State.LIVE
    published.revision += 1
    published.save()
    PromotionRevision.objects.create(
        promotion=published,
        number=published.revision,
        kind=published.kind,
        recipe=published.recipe,
        terms=terms_of(published),
        author=author.get_username()[:80],
        published_at=now,
    )
    record_audit(
        actor=author,
        action="campaigns.promotion.publish",
        obj=published,
        reason=reason,
        detail={"revision": published.revision},
        now=now,
    )
    return published


def _replaced(draft: Promotion) -> Promotion:
    """Give what a draft changes its content, and drop the draft."""
    published = lock_promotion(draft.changes_id)
    if published.state not in {_State.LIVE, _State.PAUSED}:
        raise MoveNotAllowed
    for name, value in content_of(draft).items():
        setattr(published, name, value)
    for limit, used in (
        (published.limit_total, published.used),
        (published.limit_units, published.used_units),
    ):
        if limit is not None and used > limit:
            raise LimitBelowUses
    draft.delete()
    return published


def terms_of(promotion: Promotion) -> dict[str, Any]:
    """Return what a revision keeps besides kind and recipe, as JSON."""
    content = content_of(promotion)
    del content["kind"], content["recipe"]
    for name in ("starts_at", "ends_at"):
        content[name] = content[name] and content[name].isoformat()
    return content


def _refuse_over(promotion: Promotion, now: datetime) -> None:
    if promotion.ends_at is not None and promotion.ends_at <= now:
        raise PromotionOver

"""Drafts of promotions: written, changed, copied, thrown away.

Only drafts are written. What is live gets a draft of its own (``changes``), which
``publishing`` puts in its place in one transaction.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.models import Promotion
from campaigns.rules.recipes import BadRecipe, Recipe
from campaigns.rules.recipes_reading import as_json, read
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal

#: The fields that a revision keeps and a change may change.
CONTENT = (
    *("name", "name_en", "kind", "recipe", "priority", "on_return"),
    *("exclusive_group", "starts_at", "ends_at", "limit_total", "limit_units"),
    *("limit_member_units", "budget_id"),
)


class NotADraft(Refusal):
    """This promotion cannot be edited as it is; begin a change of it."""

    code = "promotion_not_a_draft"
    message = _("This promotion cannot be edited as it is; begin a change of it.")


class NotPublished(Refusal):
    """Only what was published and has not ended can be changed."""

    code = "promotion_not_published"
    message = _("Only what was published and has not ended can be changed.")


class ChangedSinceSeen(Refusal):
    """Somebody changed it since you looked at it."""

    code = "promotion_changed_since_seen"
    message = _("Somebody changed it since you looked at it. Look again.")


class RecipeInvalid(Refusal):
    """This promotion does not add up; see its form."""

    code = "promotion_recipe_invalid"
    status = 422
    message = _("This promotion does not add up; see its form.")


def lock_promotion(promotion_id: int) -> Promotion:
    """Return a promotion, locked to the end of the transaction.

    Raises:
        Promotion.DoesNotExist: it is gone.
    """
    rows = Promotion.objects.select_for_update(of=("self",), no_key=True)
    return rows.get(pk=promotion_id)


def recipe_of(promotion: Promotion) -> Recipe:
    """Return what a promotion gives.

    Raises:
        RecipeInvalid: nobody can mean it.
    """
    try:
        return read(promotion.kind, promotion.recipe)
    except BadRecipe as error:
        raise RecipeInvalid from error


def content_of(promotion: Promotion) -> dict[str, Any]:
    """Return the fields that a revision keeps."""
    return {name: getattr(promotion, name) for name in CONTENT}


def digest_of(promotion: Promotion) -> str:
    """Return what tells whether a promotion is still what somebody looked at."""
    budget = promotion.budget
    seen = [content_of(promotion), budget and budget.amount_minor]
    text = json.dumps(seen, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


def refuse_unseen(promotion: Promotion, *, seen: str) -> None:
    """Refuse to go on with what is not what somebody looked at.

    Args:
        seen: ``digest_of`` that; empty does not ask.

    Raises:
        ChangedSinceSeen: it was changed meanwhile.
    """
    if seen and seen != digest_of(promotion):
        raise ChangedSinceSeen


@transaction.atomic
def write_draft(
    *,
    promotion_id: int | None,
    content: Mapping[str, Any],
    actor: Any,
    now: datetime,
    seen: str = "",
) -> Promotion:
    """Write a draft, or begin one.

    Args:
        promotion_id: None begins a new promotion.
        content: values of ``CONTENT``, ``recipe`` as JSON; all of them for a new one.
        actor: who writes.
        seen: ``digest_of`` the draft that ``actor`` began with; empty does not ask.

    Raises:
        ChangedSinceSeen: somebody else wrote it meanwhile.
        NotADraft: it is published, or waits for approval.
        RecipeInvalid: nobody can mean its recipe.
    """
    unknown = set(content) - set(CONTENT)
    if unknown:
        raise ValueError(f"Not of the content of a promotion: {sorted(unknown)}.")
    is_new = promotion_id is None
    promotion = Promotion() if is_new else lock_promotion(promotion_id)
    if not promotion.is_editable:
        raise NotADraft
    refuse_unseen(promotion, seen="" if is_new else seen)
    before = content_of(promotion)
    for name, value in content.items():
        setattr(promotion, name, value)
    promotion.recipe = as_json(recipe_of(promotion))
    promotion.save()
    changed = [name for name in CONTENT if getattr(promotion, name) != before[name]]
    if is_new or changed:
        record_audit(
            actor=actor,
            action=f"campaigns.promotion.{'add' if is_new else 'change'}",
            obj=promotion,
            detail=None if is_new else {"changed": changed},
            now=now,
        )
    return promotion


@transaction.atomic
def begin_change(*, promotion_id: int, actor: Any, now: datetime) -> Promotion:
    """Return the draft that changes a published promotion; the one there is, if any.

    Raises:
        NotPublished: it is a draft itself, or over for good.
    """
    promotion = lock_promotion(promotion_id)
    if promotion.state not in {Promotion.State.LIVE, Promotion.State.PAUSED}:
        raise NotPublished
    draft = Promotion.objects.filter(changes=promotion).first()
    if draft is None:
        draft = Promotion.objects.create(changes=promotion, **content_of(promotion))
        _note(promotion, "begin_change", actor, now)
    return draft


@transaction.atomic
def clone_promotion(*, promotion_id: int, actor: Any, now: datetime) -> Promotion:
    """Return a new draft like a promotion, beginning now and without an end.

    What was counted is not copied, and neither is its budget, which is its own.
    """
    promotion = Promotion.objects.get(pk=promotion_id)
    fresh = {"starts_at": now, "ends_at": None, "budget_id": None}
    clone = Promotion.objects.create(**(content_of(promotion) | fresh))
    _note(clone, "clone", actor, now, {"of": promotion.public_id})
    return clone


@transaction.atomic
def discard_draft(*, promotion_id: int, actor: Any, now: datetime) -> None:
    """Throw a draft away.

    Raises:
        NotADraft: it was published, or waits for approval.
    """
    promotion = lock_promotion(promotion_id)
    if not promotion.is_editable:
        raise NotADraft
    _note(promotion, "discard", actor, now)
    promotion.delete()


def _note(
    promotion: Promotion,
    verb: str,
    actor: Any,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    record_audit(
        actor=actor,
        action=f"campaigns.promotion.{verb}",
        obj=promotion,
        detail=detail,
        now=now,
    )

"""What the page of one promotion says, and the steps it offers."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Promotion, PromotionRevision
from campaigns.promotion_words import differences, promotion_sentence
from campaigns.queries.promotions import (
    budget_by_day,
    burned_by_day,
    names_of_goods,
)
from campaigns.rules.burning import Burned, by_day, pace, run_out_day
from campaigns.rules.recipes import Recipe
from campaigns.rules.recipes_reading import read
from campaigns.services.drafting import (
    begin_change,
    clone_promotion,
    digest_of,
    discard_draft,
)
from campaigns.services.publishing import (
    end_promotion,
    pause_promotion,
    publish_promotion,
    resume_promotion,
    take_back_promotion,
    terms_of,
    wants_approval,
)
from crm.shared.models import Approval, AuditEntry

_PUBLISH, _CHANGE = "campaigns.publish_promotion", "campaigns.change_promotion"
_ADD, _DELETE = "campaigns.add_promotion", "campaigns.delete_promotion"
#: Step -> the right it takes, what its button says, and whether it wants a reason.
STEPS: dict[str, tuple[str, Any, bool]] = {
    "publish": (_PUBLISH, gettext_lazy("Publish"), True),
    "take_back": (_PUBLISH, gettext_lazy("Back to draft"), True),
    "pause": (_PUBLISH, gettext_lazy("Pause"), True),
    "resume": (_PUBLISH, gettext_lazy("Resume"), True),
    "end": (_PUBLISH, gettext_lazy("End for good"), True),
    "change": (_CHANGE, gettext_lazy("Change"), False),
    "clone": (_ADD, gettext_lazy("Copy"), False),
    "discard": (_DELETE, gettext_lazy("Throw away"), False),
}
#: State -> steps that lead on from it; a copy can be made of anything.
_FROM = {
    "draft": ("publish", "discard"),
    "waiting": ("take_back",),
    "live": ("pause", "end", "change"),
    "paused": ("resume", "end", "change"),
    "ended": (),
}
_MOVES: dict[str, Callable[..., Any]] = {
    "publish": publish_promotion,
    "take_back": take_back_promotion,
    "pause": pause_promotion,
    "resume": resume_promotion,
    "end": end_promotion,
}
#: End of an action of the audit trail -> what happened.
ENTRY_WORDS = {
    "add": gettext_lazy("written"),
    "change": gettext_lazy("draft changed"),
    "begin_change": gettext_lazy("change begun"),
    "clone": gettext_lazy("copied"),
    "move": gettext_lazy("moved on"),
    "publish": gettext_lazy("published"),
}
_DAYS_SHOWN = 30
_MOST_ENTRIES = 50
_LONGEST_REASON = 200


def take_step(request, found: Promotion, *, now: datetime) -> tuple[Any, str]:
    """Take the step a form asks for; return what to show next, and what to say.

    Nothing to show next is the list.

    Raises:
        PermissionDenied: no such step, or not for this login.
        Refusal: it is not possible.
    """
    step = request.POST.get("step", "")
    if step not in STEPS or not request.user.has_perm(STEPS[step][0]):
        raise PermissionDenied
    how = {"promotion_id": found.pk, "actor": request.user, "now": now}
    if step in _MOVES:
        reason = request.POST.get("reason", "").strip()[:_LONGEST_REASON]
        if step == "publish":
            how["seen"] = request.POST.get("seen", "")
        made = _MOVES[step](**how, reason=reason)
        if isinstance(made, Approval):
            return found, _("Somebody else must agree; it waits for approval.")
        return made, _("Done.")
    if step == "discard":
        discard_draft(**how)
        return found.changes, _("The draft is gone.")
    made = begin_change(**how) if step == "change" else clone_promotion(**how)
    return made, _("This is a draft of its own; nobody sees it yet.")


def steps_for(user: Any, found: Promotion) -> list[tuple[str, Any, bool]]:
    """Return the steps somebody may take: code, words, whether they want a reason."""
    offered = (*_FROM[found.state], "clone")
    if found.changes_id is not None:
        offered = _FROM[found.state]
    return [
        (step, STEPS[step][1], STEPS[step][2])
        for step in offered
        if user.has_perm(STEPS[step][0])
    ]


def page_of(user: Any, found: Promotion, *, now: datetime) -> dict[str, Any]:
    """Return everything the page of a promotion shows."""
    recipe = read(found.kind, found.recipe)
    names = names_of_goods(recipe.goods)
    entries = AuditEntry.objects.filter(
        object_type=Promotion._meta.label, object_id=found.public_id
    )
    change = Promotion.objects.filter(changes=found).first()
    offered = steps_for(user, found)
    return {
        "seen": digest_of(found),
        "sentence": promotion_sentence(recipe, terms_of(found), names),
        "needs_two": found.is_editable and wants_approval(found),
        "moves": [each for each in offered if each[2]],
        "others": [each for each in offered if not each[2]],
        "may_edit": found.is_editable and user.has_perm(_CHANGE),
        "change": change,
        "revisions": list(found.revisions.order_by("-number")[:_MOST_ENTRIES]),
        "entries": [
            (each, ENTRY_WORDS.get(each.action.rpartition(".")[2], each.action))
            for each in entries.order_by("-id")[:_MOST_ENTRIES]
        ],
        "burn": _burn(found, now) if found.revision else None,
    }


# --- What it took ----------------------------------------------------------------


def _burn(found: Promotion, now: datetime) -> dict[str, Any]:
    """Return uses, pieces and money by day, and when they are gone at this pace."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    today = now.astimezone(zone).date()
    first = today - timedelta(days=_DAYS_SHOWN - 1)
    since = now - timedelta(days=_DAYS_SHOWN)
    days = by_day(
        burned_by_day(promotion_id=found.pk, since=since), first=first, last=today
    )
    ends: dict[str, date | None] = {}
    if found.phase(now) == "live":
        began = _began(found).astimezone(zone).date()
        ends = _ends(found, pace(days, began=began), today=today)
        over = found.ends_at and found.ends_at.astimezone(zone).date()
        ends = {k: day for k, day in ends.items() if day and not (over and day > over)}
    return {
        "days": [(each.day, each.amount_minor) for each in days],
        "uses": sum(each.uses for each in days),
        "units": sum(each.units for each in days),
        "amount_minor": sum(each.amount_minor for each in days),
        **{f"{name}_end": ends.get(name) for name in ("uses", "units", "money")},
    }


def _began(found: Promotion) -> datetime:
    """Return when it was on for the first time."""
    published = found.revisions.aggregate(first=Min("published_at"))["first"]
    return max(found.starts_at, published)


def _ends(
    found: Promotion, taken: Sequence[Burned], *, today: date
) -> dict[str, date | None]:
    """Return on which days uses, pieces and money would be gone."""
    ends = {}
    if found.limit_total is not None:
        left = found.limit_total - found.used
        ends["uses"] = run_out_day(left, [each.uses for each in taken], today=today)
    if found.limit_units is not None:
        left = found.limit_units - found.used_units
        ends["units"] = run_out_day(left, [each.units for each in taken], today=today)
    if found.budget is not None:
        amounts = budget_by_day(budget_id=found.budget.pk, days=taken)
        ends["money"] = run_out_day(found.budget.left_minor, amounts, today=today)
    return ends


# --- What a revision changed -----------------------------------------------------


def comparison(found: Promotion, older: int, newer: int) -> dict[str, Any] | None:
    """Return what differs between two revisions; None where there is no such one.

    Args:
        newer: a revision, or 0 for the draft that would change what is published.
    """
    numbers = {older, newer} - {0}
    revisions = {
        each.number: each for each in found.revisions.filter(number__in=numbers)
    }
    if older not in revisions:
        return None
    if newer:
        if newer not in revisions:
            return None
        after = _of_revision(revisions[newer])
    else:
        draft = Promotion.objects.filter(changes=found).first()
        if draft is None:
            return None
        after = read(draft.kind, draft.recipe), terms_of(draft)
    before = _of_revision(revisions[older])
    names = names_of_goods(before[0].goods, after[0].goods)
    rows = differences(before, after, names)
    return {"older": older, "newer": newer, "rows": rows}


def _of_revision(revision: PromotionRevision) -> tuple[Recipe, dict[str, Any]]:
    return read(revision.kind, revision.recipe), revision.terms

"""How far a member is from the next tier, and why they hold theirs, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from loyalty.models import PointsAccount, TierChange
from loyalty.queries.tiers import TierProgress, progress_of
from loyalty.tier_words import counted_words, missing_words, why_changed

#: Most changes of one member on a page.
_MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class TierWords:
    """The tier block of the member page."""

    tier: str
    color: str
    #: 0 to 100 on the way from this tier to the next.
    percent: int
    sentence: str
    #: Until when, what keeps it, what comes then.
    more: tuple[str, ...] = ()


def tier_words(*, account: PointsAccount | None, at: datetime) -> TierWords | None:
    """Return where the member of an account stands, or None without a tier (T12)."""
    progress = progress_of(account, at)
    tier, following = progress.tier, progress.next_tier
    if tier is None:
        return None
    more = tuple(_of_term(progress))
    value = counted_words(progress.metric, progress.value_minor)
    if following is None:
        sentence = _("%(value)s counted: the highest tier.") % {"value": value}
        return TierWords(tier.label, tier.color, 100, sentence, more)
    way = following.threshold_minor - tier.threshold_minor
    gone = min(max(progress.value_minor - tier.threshold_minor, 0), way)
    words = {
        "value": value,
        "missing": missing_words(
            following, progress.metric, progress.missing_minor, progress.also_missing
        ),
        "tier": following.label,
        "days": progress.window_days,
    }
    if progress.window == "days" and progress.window_days:
        sentence = (
            _("%(value)s in the last %(days)s days; %(missing)s to %(tier)s.") % words
        )
    else:
        sentence = _("%(value)s so far; %(missing)s to %(tier)s.") % words
    return TierWords(tier.label, tier.color, gone * 100 // way, sentence, more)


def _of_term(progress: TierProgress) -> Iterator[str]:
    if progress.is_pinned:
        until = progress.pinned_until
        yield (
            _("Held by staff until %(day)s.") % {"day": _last_day(until)}
            if until
            else _("Held by staff until somebody lets go.")
        )
    if progress.valid_until is None:
        return
    yield _("Good until %(day)s.") % {"day": _last_day(progress.valid_until)}
    if progress.tier is not None and not progress.is_kept:
        yield _("To keep it %(missing)s more is needed.") % {
            "missing": missing_words(
                progress.tier,
                progress.metric,
                progress.to_keep_minor,
                progress.also_to_keep,
            )
        }
    if progress.projected is not None and progress.projected != progress.tier:
        yield _("By what is counted until now it will then be %(tier)s.") % {
            "tier": progress.projected.label
        }


def tier_history(*, member_id: int, until: datetime) -> list[dict[str, Any]]:
    """Return the changes of tier before a moment, the newest first, with reasons."""
    changes = TierChange.objects.filter(member_id=member_id, occurred_at__lt=until)
    rows = changes.select_related("from_tier", "to_tier__ladder", "from_tier__ladder")
    return [
        {
            "at": change.occurred_at,
            "ladder": (change.to_tier or change.from_tier).ladder,
            "before": change.from_tier.label if change.from_tier else "–",
            "tier": change.to_tier.label if change.to_tier else "–",
            "counted": counted_words(
                (change.to_tier or change.from_tier).ladder.counts, change.value_minor
            ),
            "why": why_changed(change.reason),
        }
        for change in rows.order_by("-occurred_at", "-id")[:_MOST_CHANGES]
    ]


def _last_day(end: datetime) -> str:
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    return date_format((end - datetime.resolution).astimezone(zone), "DATE_FORMAT")

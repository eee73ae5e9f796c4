"""How far a member is from the next tier, in words and as a bar."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from crm.shared.money import display_amount
from loyalty.models import PointsAccount
from loyalty.queries.tiers import progress_of


@dataclass(frozen=True, slots=True)
class TierWords:
    """The tier block of the member page."""

    tier: str
    color: str
    #: 0 to 100 on the way from this tier to the next.
    percent: int
    sentence: str


def tier_words(*, account: PointsAccount | None, at: datetime) -> TierWords | None:
    """Return where the member of an account stands, or None without a tier (T12)."""
    progress = progress_of(account, at)
    tier, following = progress.tier, progress.next_tier
    if tier is None:
        return None
    value = _money(progress.value_minor)
    if following is None:
        sentence = _("%(value)s counted: the highest tier.") % {"value": value}
        return TierWords(tier.label, tier.color, 100, sentence)
    way = following.threshold_minor - tier.threshold_minor
    gone = min(max(progress.value_minor - tier.threshold_minor, 0), way)
    words = {
        "value": value,
        "missing": _money(progress.missing_minor),
        "tier": following.label,
        "days": progress.window_days,
    }
    if progress.window_days:
        sentence = (
            _("%(value)s in the last %(days)s days; %(missing)s to %(tier)s.") % words
        )
    else:
        sentence = _("%(value)s so far; %(missing)s to %(tier)s.") % words
    return TierWords(tier.label, tier.color, gone * 100 // way, sentence)


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)

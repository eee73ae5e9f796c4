"""How far a member is from the next tier, in words and as a bar."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from crm.shared.money import display_amount
from loyalty.models import QualifyingEntry, Tier
from members.models import Member


@dataclass(frozen=True, slots=True)
class TierWords:
    """The tier block of the member page."""

    tier: str
    color: str
    #: 0 to 100 on the way from this tier to the next.
    percent: int
    sentence: str


def tier_words(*, member: Member, at: datetime) -> TierWords | None:
    """Return where the member stands, or None without an account or ladder."""
    account = getattr(member, "points_account", None)
    if account is None or account.tier is None:
        return None
    ladder = account.tier.ladder
    counted = QualifyingEntry.objects.filter(member=member, occurred_at__lte=at)
    if ladder.window_days:
        counted = counted.filter(
            occurred_at__gt=at - timedelta(days=ladder.window_days)
        )
    value = counted.aggregate(value=Sum("value_minor"))["value"] or 0
    following = (
        Tier.objects.filter(
            ladder=ladder, threshold_minor__gt=account.tier.threshold_minor
        )
        .order_by("threshold_minor")
        .first()
    )
    if following is None:
        sentence = _("%(value)s counted: the highest tier.") % {"value": _money(value)}
        return TierWords(account.tier.label, account.tier.color, 100, sentence)
    way = following.threshold_minor - account.tier.threshold_minor
    gone = min(max(value - account.tier.threshold_minor, 0), way)
    words = {
        "value": _money(value),
        "missing": _money(max(following.threshold_minor - value, 0)),
        "tier": following.label,
    }
    if ladder.window_days:
        words["days"] = ladder.window_days
        sentence = (
            _("%(value)s in the last %(days)s days; %(missing)s to %(tier)s.") % words
        )
    else:
        sentence = _("%(value)s so far; %(missing)s to %(tier)s.") % words
    return TierWords(
        account.tier.label, account.tier.color, gone * 100 // way, sentence
    )


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)

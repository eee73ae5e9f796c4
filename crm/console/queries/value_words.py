"""What a member is worth and when the next order is due, in words."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.shared.money import display_amount
from loyalty.models import MemberScore
from loyalty.rules.intervals import days_late


@dataclass(frozen=True, slots=True)
class ValueWords:
    """The value block of the member page."""

    segment: str
    sentences: list[str]


def value_words(*, score: MemberScore | None, at: datetime) -> ValueWords | None:
    """Return what last night made of a member's purchases, or None without any."""
    if score is None:
        return None
    scores = _("Recency %(r)s, frequency %(f)s, money %(m)s, of 5 each.") % {
        "r": score.recency,
        "f": score.frequency,
        "m": score.money,
    }
    return ValueWords(
        str(score.get_segment_display()),
        [scores, _rhythm(score, at), _forecast(score)],
    )


def _rhythm(score: MemberScore, at: datetime) -> str:
    if score.interval_days is None or score.due_at is None:
        return _("Too few purchases to say how often.")
    every = ngettext(
        "Buys every %(days)s day", "Buys every %(days)s days", score.interval_days
    ) % {"days": score.interval_days}
    late = days_late(localdate(score.due_at), localdate(at))
    if late > 0:
        due = ngettext("%(days)s day late", "%(days)s days late", late)
    elif late < 0:
        due = ngettext("next in %(days)s day", "next in %(days)s days", -late)
    else:
        due = _("next today")
    return _("%(every)s, %(due)s.") % {"every": every, "due": due % {"days": abs(late)}}


def _forecast(score: MemberScore) -> str:
    if score.alive_bp is None or score.value_365_minor is None:
        return _("The shop has too few orders to say what comes next.")
    return _(
        "Still a buyer with %(percent)s %%; %(orders)s purchases and %(amount)s "
        "expected in 365 days."
    ) % {
        "percent": score.alive_bp // 100,
        "orders": f"{(score.purchases_365_milli or 0) / 1000:.1f}",
        "amount": display_amount(score.value_365_minor, settings.SHOP_CURRENCY),
    }

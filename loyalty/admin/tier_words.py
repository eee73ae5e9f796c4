"""What a ladder or a version of it says, in plain words."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.models import Ladder, LadderVersion, Tier, VersionRung
from loyalty.tier_words import counted_words, second_words


def sentences(row: Ladder | LadderVersion) -> Iterator[str]:
    """Say what is counted, how long a tier is good, and what comes after it."""
    if row.metric == Ladder.Metric.NONE:
        yield _("Nothing is counted: staff choose the members.")
        return
    counted = row.currency.label if row.currency else row.get_metric_display()
    what = {"what": counted}
    if row.window != Ladder.Window.DAYS:
        what["window"] = row.get_window_display()
        yield _("Counted: %(what)s in the present %(window)s.") % what
    elif row.window_days:
        what["days"] = f"{row.window_days:,d}"
        yield _("Counted: %(what)s of the last %(days)s days.") % what
    else:
        yield _("Counted: %(what)s of the whole membership.") % what
    yield from _of_term(row)
    if row.lifts_on == Ladder.LiftsOn.DELIVERY:
        yield _("Orders count once they are delivered.")
    if row.notice_days:
        yield ngettext(
            "Who will not keep a tier is told %(days)s day before.",
            "Who will not keep a tier is told %(days)s days before.",
            row.notice_days,
        ) % {"days": row.notice_days}


def _of_term(row: Ladder | LadderVersion) -> Iterator[str]:
    lands = {"lands": row.get_downgrade_display(), "days": row.grace_days}
    if row.term == Ladder.Term.NONE:
        yield _("A tier is good as long as it is reached; then: %(lands)s.") % lands
        return
    if row.term == Ladder.Term.MONTHS:
        yield ngettext(
            "A tier is good for %(count)s month.",
            "A tier is good for %(count)s months.",
            row.term_months,
        ) % {"count": row.term_months}
    else:
        yield _("A tier is good %(term)s (%(period)s).") % {
            "term": row.get_term_display(),
            "period": row.get_period_display(),
        }
    if row.grace_days:
        yield _("Who does not keep it has %(days)s days more; then: %(lands)s.") % lands
    else:
        yield _("Who does not keep it gets: %(lands)s.") % lands


def rung_rows(
    metric: str, rungs: Iterable[Tier | VersionRung]
) -> Iterator[dict[str, Any]]:
    """Return the rungs as a table shows them."""
    for rung in rungs:
        keep = rung.threshold_minor if rung.keep_minor is None else rung.keep_minor
        yield {
            "label": rung.label,
            "from": counted_words(metric, rung.threshold_minor),
            "kept": counted_words(metric, keep),
            "second": _second(rung),
            "multiplier": f"{rung.multiplier_bp / 10000:g}×",
        }


def _second(rung: Tier | VersionRung) -> str:
    if not rung.also_metric:
        return "–"
    return second_words(rung, rung.also_threshold)


def fall_words(version: LadderVersion) -> str:
    """Say what becomes of members who do not reach the tier they hold."""
    if version.falls == LadderVersion.Falls.AT_ONCE:
        return _("Who does not reach the tier they hold falls when it begins.")
    if version.falls == LadderVersion.Falls.KEEP and version.keep_until:
        return _("Who does not reach the tier they hold keeps it until %(day)s.") % {
            "day": date_format(localtime(version.keep_until), "DATETIME_FORMAT")
        }
    return _("Who does not reach the tier they hold falls when their term ends.")

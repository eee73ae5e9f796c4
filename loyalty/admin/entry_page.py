"""What the page of one entry says: where its points went, and how it can be undone."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.shared.errors import Refusal
from loyalty.earning_words import entry_words
from loyalty.models import PointsEntry
from loyalty.note_words import note_words
from loyalty.queries.balances import balance_line
from loyalty.queries.books import other_side, sources_of, uses_of
from loyalty.services.revoking import Revocation, preview_revocation, refuse_late
from loyalty.services.undoing_by_hand import is_expiry, needs_approval

UNDO = "loyalty.add_pointsentry"
_MOST_SHOWN = 100


def page_of(user: Any, entry: PointsEntry, *, now: datetime) -> dict[str, Any]:
    """Return everything the page of an entry shows."""
    return {
        "entry": entry,
        "lot": getattr(entry, "lot", None),
        "uses": uses_of(entry)[:_MOST_SHOWN],
        "sources": sources_of(entry)[:_MOST_SHOWN],
        "undone_by": PointsEntry.objects.filter(reverses=entry).order_by("seq"),
        "other_side": other_side(entry),
        "note": note_of(entry),
        "why": _why(entry),
        "terms": _terms(entry),
        "steps": balance_line(entry.account, at=now),
        "is_expiry": is_expiry(entry),
        "may_undo": user.has_perm(UNDO),
        **_undoing(user, entry, now),
    }


def note_of(entry: PointsEntry) -> str:
    """Return what was noted of an entry, in words."""
    return note_words(entry.reason, kind=entry.kind)


def _why(entry: PointsEntry) -> list[tuple[str, str, str]]:
    """Return the calculation, rule by rule (P8)."""
    return [
        (row.name, row.how, f"{row.points:+,d}" if row.is_counted else "–")
        for row in entry_words(entry)
    ]


def _terms(entry: PointsEntry) -> list[tuple[str, Any]]:
    """Return what else is written of the calculation."""
    told = {"rules", "missed", "lines", "units"}
    return [(name, value) for name, value in entry.trace.items() if name not in told]


def _undoing(user: Any, entry: PointsEntry, now: datetime) -> dict[str, Any]:
    """Return what undoing would do, or why it is not possible."""
    try:
        if is_expiry(entry):
            refuse_late(entry, now=now)
            said = [_words_of_reinstating(entry)]
        else:
            said = list(words_of(preview_revocation(entry, now=now)))
    except Refusal as refusal:
        return {"undo_words": [], "undo_refused": str(refusal)}
    if needs_approval(entry, author=user, now=now):
        said.append(_("Somebody else must approve."))
    return {"undo_words": said, "undo_refused": ""}


def _words_of_reinstating(entry: PointsEntry) -> str:
    count = -entry.points
    return ngettext(
        "%(points)s point comes back, with a new end.",
        "%(points)s points come back, with a new end.",
        count,
    ) % {"points": f"{count:,d}"}


def words_of(revocation: Revocation) -> list[str]:
    """Say what can be revoked and what cannot, a sentence each."""
    if revocation.points > 0:
        return [
            _count(_("%(points)s points go back to their lots."), revocation.points)
        ]
    parts = [
        (_("%(points)s points are taken back; they were never touched."), "from_own"),
        (
            _("%(points)s points are taken from others the member has instead."),
            "from_others",
        ),
        (_("%(points)s points are gone and become debt."), "owed"),
        (_("%(points)s points are gone and are waived."), "waived"),
        (_("%(points)s of those are only held or frozen."), "reserved"),
    ]
    return [
        _count(sentence, getattr(revocation, name))
        for sentence, name in parts
        if getattr(revocation, name)
    ]


def _count(sentence: str, points: int) -> str:
    return sentence % {"points": f"{points:,d}"}

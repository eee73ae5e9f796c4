"""What is noted of an entry of points, in words for staff."""

from django.utils.translation import gettext as _

from loyalty.models import PointsEntry, Program


def note_words(note: str, *, kind: str) -> str:
    """Return the note; where the program waived points, its rule in words (P17).

    Args:
        note: the ``reason`` of an entry: what staff wrote, or a ``Program.ClawBack``.
        kind: of the entry; only a claw-back waives.
    """
    if kind == PointsEntry.Kind.CLAW_BACK and note in Program.ClawBack.values:
        return _("by the program: %(rule)s") % {"rule": Program.ClawBack(note).label}
    return note

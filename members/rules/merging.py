"""What becomes of two members' words and fields when they become one. Plain Python."""

from collections.abc import Mapping
from datetime import datetime, timedelta

#: How long a merge can be undone.
UNDO_DAYS = 30
#: What the person who merges chooses: field -> fields that go with it. An address goes
#: with the login that signs in with it, a birthday with its month.
FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "phone": ("phone",),
    "email": ("email", "user_id"),
    "birthday": ("birthday", "birth_month"),
    "gender": ("gender",),
    "region": ("region",),
    "language": ("language",),
}
#: The channel that stands for every channel nothing was said about.
ANY = "any"

#: (purpose, channel) -> yes or no.
Words = Mapping[tuple[str, str], bool]


def may_undo(merged_at: datetime, now: datetime) -> bool:
    """Return whether a merge of ``merged_at`` can still be undone at ``now``."""
    return now < merged_at + timedelta(days=UNDO_DAYS)


def stricter_words(winner: Words, loser: Words) -> dict[tuple[str, str], bool]:
    """Return what must be written for the winner so that the stricter word holds.

    A no of either counts against a yes of the other; where one said nothing the word
    of the other holds. A word about any channel speaks for each channel without one
    of its own, so such channels are spelled out where the two differ.

    >>> stricter_words({("marketing", "sms"): True}, {("marketing", "any"): False})
    {('marketing', 'any'): False, ('marketing', 'sms'): False}
    """
    wanted = {}
    for purpose, channel in sorted({*winner, *loser}):
        spoken = {
            word
            for said in (winner, loser)
            if (word := said.get((purpose, channel), said.get((purpose, ANY))))
            is not None
        }
        stricter = False not in spoken
        if winner.get((purpose, channel)) is not stricter:
            wanted[purpose, channel] = stricter
    return wanted


def words_back(
    before: Words, written: Words, now: Words
) -> dict[tuple[str, str], bool]:
    """Return what gives the winner the words from before a merge.

    What was said since the merge stays. Where the winner had said nothing, also not
    about any channel, a no is written: silence cannot be.

    Args:
        before: the winner's own words before the merge.
        written: what the merge wrote.
        now: what holds now.
    """
    back = {}
    for (purpose, channel), word in written.items():
        said = before.get((purpose, channel), before.get((purpose, ANY), False))
        if now.get((purpose, channel)) is word and said is not word:
            back[purpose, channel] = said
    return back

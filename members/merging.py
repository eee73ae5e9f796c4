"""What the members app moves when two members become one."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models import Consent, DuplicatePair, MatchKeys, MemberTag, Note
from members.queries import current_consents
from members.rules.merging import stricter_words, words_back
from members.services.consenting import Statement, record_consents
from members.services.movers import Key, MergeCase, Merger, Moved, Share

_TAGS = Key(MemberTag, "member")
_NOTES = Key(Note, "member")


class MembersMerger(Merger):
    """Notes move; of a tag both have the winner's stays; the stricter consent holds.

    The ledger of consents only grows: the loser's words stay theirs, and what they
    change for the winner is written as the winner's.
    """

    name = "members"
    keys = (_NOTES,)
    also_covers = frozenset(
        {
            "members.MemberTag.member",
            "members.Consent.member",
            # Made anew or decided by the merge itself.
            "members.MatchKeys.member",
            "members.DuplicatePair.first",
            "members.DuplicatePair.second",
            # Kept by ``members.services.merging``.
            "members.Member.merged_into",
            "members.Merge.winner",
            "members.Merge.loser",
        }
    )

    def shares(self, member_id: int) -> list[Share]:
        """Return notes, tags and consents that stand."""
        return [
            *super().shares(member_id),
            Share(_("tags"), _TAGS.rows(member_id).count()),
            Share(_("consents"), len(current_consents(member_id=member_id))),
        ]

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Move notes and tags, write the stricter words."""
        already = _TAGS.rows(case.winner_id).values("tag_id")
        tags = _TAGS.rows(case.loser_id).exclude(tag_id__in=already)
        ids = sorted(tags.values_list("pk", flat=True))
        MemberTag.objects.filter(pk__in=ids).update(member_id=case.winner_id)
        MatchKeys.objects.filter(member_id__in=case.member_ids).delete()
        _settle_pairs(case)
        return {
            **super().move(case),
            _TAGS.label: ids,
            "consents": self._write_stricter(case),
        }

    def give_back(self, case: MergeCase, moved: Moved) -> None:
        """Give notes and tags back; the winner's own words hold again."""
        super().give_back(case, moved)
        mine = moved[self.name]
        kept = _TAGS.rows(case.loser_id).values("tag_id")
        _TAGS.rows(case.winner_id).filter(pk__in=mine[_TAGS.label]).exclude(
            tag_id__in=kept
        ).update(member_id=case.loser_id)
        first, second = case.member_ids
        DuplicatePair.objects.filter(first_id=first, second_id=second).update(
            state=DuplicatePair.State.DISMISSED, decided_at=case.now
        )
        before, written = (_words(mine["consents"][at]) for at in ("before", "written"))
        standing = current_consents(member_id=case.winner_id)
        self._write(case, words_back(before, written, _spoken(standing)), standing)

    def _write_stricter(self, case: MergeCase) -> dict[str, Any]:
        own = current_consents(member_id=case.winner_id)
        brought = current_consents(member_id=case.loser_id)
        wanted = stricter_words(_spoken(own), _spoken(brought))
        self._write(case, wanted, [*own, *brought])
        return {
            "before": [[*key, word] for key, word in _spoken(own).items()],
            "written": [[*key, word] for key, word in wanted.items()],
        }

    def _write(
        self,
        case: MergeCase,
        words: dict[tuple[str, str], bool],
        said: Iterable[Consent],
    ) -> None:
        """Write words under the version of the text that was seen last."""
        versions = {row.purpose: row.text_version for row in _oldest_first(said)}
        for (purpose, channel), granted in words.items():
            record_consents(
                member_id=case.winner_id,
                statements=[Statement(purpose, channel, granted)],
                text_version=versions[purpose],
                source=case.source,
                now=case.now,
            )


def _oldest_first(rows: Iterable[Consent]) -> list[Consent]:
    return sorted(rows, key=lambda row: (row.occurred_at, row.pk))


def _spoken(rows: Iterable[Consent]) -> dict[tuple[str, str], bool]:
    return {(row.purpose, row.channel): row.granted for row in rows}


def _words(rows: Iterable[list]) -> dict[tuple[str, str], bool]:
    return {(purpose, channel): word for purpose, channel, word in rows}


def _settle_pairs(case: MergeCase) -> None:
    """The pair is decided; other open pairs of the loser are found again if need be."""
    first, second = case.member_ids
    DuplicatePair.objects.filter(first_id=first, second_id=second).update(
        state=DuplicatePair.State.MERGED, decided_at=case.now
    )
    DuplicatePair.objects.filter(
        Q(first_id=case.loser_id) | Q(second_id=case.loser_id),
        state=DuplicatePair.State.OPEN,
    ).delete()

"""What the members app moves when two members become one."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models import (
    Address,
    AttributeValue,
    Consent,
    DuplicatePair,
    Invitation,
    MatchKeys,
    MemberTag,
    Note,
    PaymentInstrument,
)
from members.models.address import MOST_ADDRESSES
from members.queries import current_consents
from members.rules.merging import stricter_words, words_back
from members.services.consenting import Statement, record_consents
from members.services.movers import Key, MergeCase, Merger, Moved, Share

_TAGS = Key(MemberTag, "member")
_NOTES = Key(Note, "member")
_INSTRUMENTS = Key(PaymentInstrument, "member")
_ADDRESSES = Key(Address, "member")
_ATTRIBUTES = Key(AttributeValue, "member")
_INVITED = Key(Invitation, "inviter")


class MembersMerger(Merger):
    """Notes move; of what both have the winner's stays; the stricter consent holds.

    Addresses come along as far as there is room, none of them as the default. Pictures,
    invitation codes, codes under way and the ledger of states stay with their number.

    The ledger of consents only grows: the loser's words stay theirs, and what they
    change for the winner is written as the winner's.
    """

    name = "members"
    keys = (_NOTES, _INSTRUMENTS)
    also_covers = frozenset(
        {
            "members.MemberTag.member",
            "members.Consent.member",
            "members.ConsentRequest.member",
            "members.Address.member",
            "members.AttributeValue.member",
            "members.Invitation.inviter",
            # History of the number, or over in minutes.
            "members.Invitation.invitee",
            "members.InvitationCode.member",
            "members.Avatar.member",
            "members.LifecycleChange.member",
            "members.ProfileCompletion.member",
            "members.SignInCode.member",
            "members.DataExport.member",
            "members.Erasure.member",
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
            Share(_("addresses"), _ADDRESSES.rows(member_id).count()),
            Share(_("member attributes"), _ATTRIBUTES.rows(member_id).count()),
            Share(_("invitations"), _INVITED.rows(member_id).count()),
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
            _ADDRESSES.label: _move_addresses(case),
            _ATTRIBUTES.label: _move_attributes(case),
            _INVITED.label: _move_invited(case),
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
        _return_addresses(case, mine.get(_ADDRESSES.label, []))
        for key in (_ATTRIBUTES, _INVITED):
            self.return_rows(key, case, mine.get(key.label, []))
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
                actor="members.merging",
                reason=case.source,
                now=case.now,
            )


def _move_addresses(case: MergeCase) -> list[list]:
    """Move addresses to free places; return id, old place and whether the default."""
    taken = set(_ADDRESSES.rows(case.winner_id).values_list("slot", flat=True))
    free = [slot for slot in range(1, MOST_ADDRESSES + 1) if slot not in taken]
    rows = list(_ADDRESSES.rows(case.loser_id).order_by("slot"))[: len(free)]
    moved = [[row.pk, row.slot, row.is_default] for row in rows]
    for row, slot in zip(rows, free, strict=False):
        Address.objects.filter(pk=row.pk).update(
            member_id=case.winner_id, slot=slot, is_default=False
        )
    return moved


def _return_addresses(case: MergeCase, moved: Iterable[list]) -> None:
    """Move those back that are still there, to the place they came from."""
    for pk, slot, was_default in moved:
        _ADDRESSES.rows(case.winner_id).filter(pk=pk).update(
            member_id=case.loser_id, slot=slot, is_default=was_default
        )


def _move_attributes(case: MergeCase) -> list[int]:
    """Move values of attributes of which the winner has none; return their ids."""
    own = _ATTRIBUTES.rows(case.winner_id).values("definition_id")
    rows = _ATTRIBUTES.rows(case.loser_id).exclude(definition_id__in=own)
    ids = sorted(rows.values_list("pk", flat=True))
    AttributeValue.objects.filter(pk__in=ids).update(member_id=case.winner_id)
    return ids


def _move_invited(case: MergeCase) -> list[int]:
    """Let the winner have invited whom the loser did, but not themselves."""
    rows = _INVITED.rows(case.loser_id).exclude(invitee_id=case.winner_id)
    ids = sorted(rows.values_list("pk", flat=True))
    Invitation.objects.filter(pk__in=ids).update(inviter_id=case.winner_id)
    return ids


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

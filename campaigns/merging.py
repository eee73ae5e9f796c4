"""What the campaigns app moves when two members become one."""

from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Coupon, Message, Seat, SegmentMember
from campaigns.services.counting import join_tallies
from campaigns.services.first_orders import join_first_orders
from campaigns.services.recognising import member_mark
from members.services.movers import Key, MergeCase, Merger, Moved, Share
from orders.merging import ORDERS

_COUPONS = Key(Coupon, "member")
_ISSUED = Key(Coupon, "issued_to")
_MESSAGES = Key(Message, "member")
_SEATS = Key(Seat, "member")


class CampaignsMerger(Merger):
    """Messages, coupons with how often they were used (C11), and seats go over.

    A seat stays where both sit in one group: nobody has two (G4).
    Nobody may have one gift twice: of two coupons of one template and cause the
    loser's is revoked if one of the two could still use it, and told apart by its cause
    if not. Who was given one by them keeps it.
    """

    name = "campaigns"
    keys = (_COUPONS, _MESSAGES)
    also_covers = frozenset(
        {_SEATS.label, _ISSUED.label, "campaigns.SegmentMember.member"}
    )

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Settle coupons both have, then move all.

        Counts of uses are added up and stay with the winner if the merge is undone:
        who was one person to us once does not get the limit twice.
        """
        join_tallies(
            loser_id=case.loser_id,
            loser=member_mark(case.loser_id),
            winner=member_mark(case.winner_id),
        )
        join_first_orders(
            loser=member_mark(case.loser_id), winner=member_mark(case.winner_id)
        )
        # Whoever merged is in no segment; the winner is looked at anew with the rest.
        SegmentMember.objects.filter(member_id=case.loser_id).delete()
        twice = self._settle_twice(case)
        seats = self._move_seats(case)
        issued = sorted(_issued_to(case.loser_id).values_list("pk", flat=True))
        Coupon.objects.filter(pk__in=issued).update(issued_to_id=case.winner_id)
        own = {"twice": twice, _SEATS.label: seats, _ISSUED.label: issued}
        return own | super().move(case)

    def _move_seats(self, case: MergeCase) -> list[int]:
        own = _SEATS.rows(case.winner_id).filter(state__in=Seat.LIVE)
        both = Q(state__in=Seat.LIVE, group_id__in=own.values("group_id"))
        seats = _SEATS.rows(case.loser_id).exclude(both)
        ids = sorted(seats.values_list("pk", flat=True))
        Seat.objects.filter(pk__in=ids).update(member_id=case.winner_id)
        return ids

    def staying(self, case: MergeCase, moved: Moved) -> list[Share]:
        """Coupons the winner has used since stay with their orders."""
        used = _used_since(case, moved).count()
        return [Share(_("coupons used since"), used)] if used else []

    def give_back(self, case: MergeCase, moved: Moved) -> None:
        """Give back messages, and coupons the winner has not used since."""
        mine = moved[self.name]
        used = set(_used_since(case, moved).values_list("pk", flat=True))
        self.return_rows(_MESSAGES, case, mine[_MESSAGES.label])
        self.return_rows(_SEATS, case, mine.get(_SEATS.label, []))
        # What merged before both were kept was issued to its holder.
        issued = mine.get(_ISSUED.label, mine[_COUPONS.label])
        self.return_rows(_ISSUED, case, issued)
        self.return_rows(
            _COUPONS, case, [pk for pk in mine[_COUPONS.label] if pk not in used]
        )
        for pk, (source, state) in mine["twice"].items():
            coupon = Coupon.objects.filter(pk=int(pk), issued_to_id=case.loser_id)
            coupon.update(source=source)
            if state == Coupon.State.AVAILABLE:
                coupon.filter(state=Coupon.State.REVOKED).update(state=state)

    def _settle_twice(self, case: MergeCase) -> dict[str, list[str]]:
        own = set(_issued_to(case.winner_id).values_list("template_id", "source"))
        twice = {}
        for coupon in _issued_to(case.loser_id).select_for_update().order_by("pk"):
            if (coupon.template_id, coupon.source) not in own:
                continue
            twice[str(coupon.pk)] = [coupon.source, coupon.state]
            coupon.source = f"{case.source}:{coupon.pk}"
            is_theirs = coupon.member_id in case.member_ids
            if is_theirs and coupon.state == Coupon.State.AVAILABLE:
                coupon.state = Coupon.State.REVOKED
            coupon.save(update_fields=["source", "state"])
        return twice


def _issued_to(member_id: int) -> QuerySet[Coupon]:
    """Return what was issued to a member: what is in the wallet, or given away."""
    given_away = ~Q(issued_to=F("member"))
    return Coupon.objects.filter(
        Q(member_id=member_id) | given_away, issued_to_id=member_id
    )


def _used_since(case: MergeCase, moved: Moved):
    brought = moved["orders"][ORDERS.label]
    return _COUPONS.rows(case.winner_id).filter(
        ~Q(order__in=brought),
        pk__in=moved[CampaignsMerger.name][_COUPONS.label],
        order__isnull=False,
    )

"""Locking a redemption after whose it is: everybody locks in this order."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import RewardRedemption
from loyalty.services.posting import locked_account
from members.models import Member


class RedemptionUnknown(Refusal):
    """There is no such redemption."""

    code = "redemption_not_found"
    status = 404
    message = _("There is no such redemption.")


def locked_redemption(
    public_id: str, *, member_id: int | None = None, now: datetime
) -> RewardRedemption:
    """Return a redemption after locking its member, the account, then itself.

    Args:
        member_id: whose it must be; None is anybody's.

    Raises:
        RedemptionUnknown: there is none.
    """
    rows = RewardRedemption.objects.filter(public_id=public_id)
    if member_id is not None:
        rows = rows.filter(member_id=member_id)
    owner = rows.values_list("member_id", flat=True).first()
    if owner is None:
        raise RedemptionUnknown
    Member.objects.select_for_update(no_key=True).get(pk=owner)
    locked_account(member_id=owner, now=now)
    # A merge may have moved it between the two reads: then it is asked for again.
    mine = rows.filter(member_id=owner).select_related("order")
    row = mine.select_for_update(of=["self"], no_key=True).first()
    if row is None:
        raise RedemptionUnknown
    return row

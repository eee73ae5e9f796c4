"""What staff of loyalty do only when somebody else agrees."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext

from crm.shared.approvals import Deed
from crm.shared.models import Approval
from loyalty.models import PointsEntry, ReasonCode
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.adjusting_by_hand import APPROVED
from loyalty.services.undoing_by_hand import undo
from loyalty.services.versioning import publish_approved
from members.queries import standing_id


def _code(params: dict[str, Any]) -> str:
    """Return why, for finance; what was asked for before there were codes has none."""
    return params.get("reason_code", "")


def _with_reason(said: str, params: dict[str, Any]) -> str:
    code = _code(params)
    if not code:
        return said
    return gettext("%(deed)s Reason code: %(reason)s.") % {
        "deed": said,
        "reason": ReasonCode(code).label,
    }


class PointsAdjustment(Deed):
    """Granting or deducting points by hand, above the limit of the settings."""

    permission = "loyalty.add_pointsentry"
    label = gettext_lazy("Adjustment of points")

    def words(self, params: dict[str, Any]) -> str:
        """Return how many points come or go, and for which reason."""
        count = abs(params["points"])
        words = {"points": f"{count:,d}"}
        if params["points"] > 0:
            said = ngettext(
                "Grant %(points)s point.", "Grant %(points)s points.", count
            )
        else:
            said = ngettext(
                "Deduct %(points)s point.", "Deduct %(points)s points.", count
            )
        return _with_reason(said % words, params)

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Write the entry, once; after a merge in the account of who stayed.

        Raises:
            NotEnoughPoints: fewer are available by now.
            PointsFrozen: the account is frozen.
        """
        points = approval.params["points"]
        verb = grant_points if points > 0 else deduct_points
        verb(
            member_id=standing_id(approval.params["member"]),
            points=abs(points),
            reason_code=_code(approval.params),
            reason=approval.reason,
            actor=approval.author,
            source=f"{APPROVED}{approval.public_id}",
            now=now,
        )


class PointsUndoing(Deed):
    """Revoking or reinstating an entry, above the limit of the settings."""

    permission = "loyalty.add_pointsentry"
    label = gettext_lazy("Undoing of points")

    def words(self, params: dict[str, Any]) -> str:
        """Return what is undone."""
        words = {"points": f"{params['points']:,d}"}
        if params["deed"] == "reinstate":
            said = gettext("Reinstate %(points)s expired points.")
        else:
            said = gettext("Revoke an entry of %(points)s points.")
        return _with_reason(said % words, params)

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Write the counter-entry, once.

        Raises:
            NotRevocable, AlreadyRevoked, NotReinstatable: it is not possible by now.
        """
        undo(
            PointsEntry.objects.get(pk=approval.params["entry"]),
            reason_code=_code(approval.params),
            reason=approval.reason,
            actor=approval.author,
            now=now,
        )


class LadderPublication(Deed):
    """Publishing a version of a ladder that costs many members their tier."""

    permission = "loyalty.publish_ladderversion"
    label = gettext_lazy("Publication of a ladder")

    def words(self, params: dict[str, Any]) -> str:
        """Return which ladder, and how many members it costs their tier."""
        count = params["losing"]
        return ngettext(
            "Publish a version of “%(name)s” by which %(count)s member "
            "loses their tier, at once or when their term ends.",
            "Publish a version of “%(name)s” by which %(count)s members "
            "lose their tier, at once or when their term ends.",
            count,
        ) % {"name": params["name"], "count": f"{count:,d}"}

    def page(self, params: dict[str, Any]) -> str:
        """Return where it stands what the version would do now."""
        return reverse("admin:ladder_version_effect", args=[params["version"]])

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Publish it as it was when approval was asked for.

        Raises:
            ChangedSinceAsked: it is not what it was.
            AnotherIsScheduled: another version of the ladder waits for its day.
        """
        publish_approved(
            version_id=approval.params["version"],
            digest=approval.params["digest"],
            author=approval.author,
            reason=approval.reason,
            now=now,
        )

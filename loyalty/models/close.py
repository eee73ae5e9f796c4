"""Closed months of the points books: what finance booked, never changed."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class PointsClose(models.Model):
    """One calendar month of the shop, closed once and in order.

    ``opening + movements of the month + late ones = closing``; ``closing`` is what all
    balances less debts came to at the end of the month. Written from the entries up to
    ``last_entry``: whatever is booked with an earlier date afterwards is late, and
    stands so in the next month.
    """

    #: First day of the month.
    month = models.DateField(_("month"), unique=True)
    #: Exclusive end of the month in the shop's zone.
    ends_at = models.DateTimeField(_("ends at"))
    last_entry = models.BigIntegerField(_("last entry"))
    opening = models.BigIntegerField(_("opening"))
    #: Kind of entry -> points: of this month, of earlier months, and since the first.
    moved = models.JSONField(_("moved"))
    late = models.JSONField(_("booked late"))
    to_date = models.JSONField(_("to date"))
    closing = models.BigIntegerField(_("closing"))
    #: What members own (closing + debt), and what they owe.
    open_points = models.BigIntegerField(_("points open"))
    debt = models.BigIntegerField(_("debt"))
    minor_per_100 = models.PositiveIntegerField(_("value of 100 points"))
    liability_minor = models.BigIntegerField(_("liability"))
    #: What of the open points expires: ``[month or null, points]``, null is never.
    waterfall = models.JSONField(_("coming expiry"))
    #: What became of the points of each month: see ``loyalty.rules.closing.Cohort``.
    cohorts = models.JSONField(_("points by age"))
    #: What staff moved by hand: ``[reason code, kind, entries, points]`` each (P27).
    by_hand = models.JSONField(_("by hand"), default=list, db_default=[])
    closed_at = models.DateTimeField(_("closed at"))
    actor = models.CharField(_("actor"), max_length=80)

    class Meta:
        verbose_name = _("month of the points books")
        verbose_name_plural = _("points books")
        constraints = [
            models.CheckConstraint(
                condition=Q(open_points=F("closing") + F("debt")),
                name="points_close_open_is_closing_and_debt",
            ),
        ]

    def __str__(self):
        return f"{self.month:%Y-%m}"

"""Points that are reserved: for an order, or set aside by staff."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.public_ids import PublicIdField
from loyalty.models.points import PointsAccount, PointsLot
from loyalty.models.reason import reason_code_field


class PointsHold(models.Model):
    """Points reserved: for an order until it is paid or given up (P13), or frozen."""

    class State(models.TextChoices):
        """Resolved once: captured or released."""

        OPEN = "open", pgettext_lazy("points hold", "open")
        CAPTURED = "captured", pgettext_lazy("points hold", "captured")
        RELEASED = "released", _("released")

    account = models.ForeignKey(
        PointsAccount, on_delete=models.PROTECT, related_name="holds"
    )
    points = models.BigIntegerField(_("points"))
    source = models.CharField(_("source"), max_length=80, unique=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.OPEN
    )
    created_at = models.DateTimeField(_("created at"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("points hold")
        verbose_name_plural = _("points holds")
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gt=0), name="points_hold_is_positive"
            )
        ]

    def __str__(self):
        return f"{self.points} for {self.source}"


class HoldTake(models.Model):
    """How many points of which lot a hold reserves."""

    hold = models.ForeignKey(
        PointsHold, on_delete=models.PROTECT, related_name="takes", db_index=False
    )
    lot = models.ForeignKey(
        PointsLot, on_delete=models.PROTECT, related_name="hold_takes"
    )
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("reserved part of a lot")
        verbose_name_plural = _("reserved parts of lots")
        constraints = [
            models.UniqueConstraint(fields=["hold", "lot"], name="hold_take_once"),
            models.CheckConstraint(
                condition=Q(points__gt=0), name="hold_take_is_positive"
            ),
        ]

    def __str__(self):
        return f"{self.points} of lot {self.lot_id}"


class PointsFreeze(models.Model):
    """Points of a member that staff set aside, as a hold; the account goes on (P15).

    They keep their lots and ends, and neither spend nor expire until it is over.
    """

    public_id = PublicIdField(prefix="pfz")
    hold = models.OneToOneField(
        PointsHold, on_delete=models.PROTECT, related_name="freeze"
    )
    reason_code = reason_code_field()
    reason = models.CharField(_("reason"), max_length=200)
    actor = models.CharField(_("actor"), max_length=80)
    #: Exclusive; ``None`` waits for somebody.
    until = models.DateTimeField(_("until"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=80, blank=True)
    end_reason_code = reason_code_field()
    end_reason = models.CharField(_("reason of the end"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("freeze of points")
        verbose_name_plural = _("freezes of points")
        indexes = [
            models.Index(
                fields=["until"],
                name="points_freeze_to_end",
                condition=Q(until__isnull=False, ended_by=""),
            ),
        ]

    def __str__(self):
        return self.public_id

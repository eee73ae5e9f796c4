"""Parcels: what left the house, and whether it arrived."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class Shipment(models.Model):
    """One parcel of one order. Who gets it stands with the order, not here."""

    class State(models.TextChoices):
        """What became of it."""

        SENT = "sent", _("on its way")
        DELIVERED = "delivered", _("delivered")
        #: Its units are to be sent again, or to be refunded.
        LOST = "lost", _("lost")

    public_id = PublicIdField(prefix="shp")
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        related_name="shipments",
        verbose_name=_("order"),
    )
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=80, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.SENT
    )
    #: Names the request: asked again with it, the first shipment answers (X1).
    request_key = models.CharField(
        max_length=80, null=True, blank=True, unique=True, editable=False
    )
    #: Who sent it: a login or a program.
    actor = models.CharField(_("actor"), max_length=80)
    sent_at = models.DateTimeField(_("sent at"))
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    lost_at = models.DateTimeField(_("lost at"), null=True, blank=True)

    class Meta:
        verbose_name = _("shipment")
        verbose_name_plural = _("shipments")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="sent", delivered_at=None, lost_at=None)
                | Q(state="delivered", delivered_at__isnull=False, lost_at=None)
                | Q(state="lost", delivered_at=None, lost_at__isnull=False),
                name="shipment_end_matches_state",
            )
        ]
        indexes = [
            models.Index(fields=["-sent_at", "-id"], name="shipment_newest_first"),
            models.Index(
                fields=["sent_at"],
                name="shipment_under_way",
                condition=Q(state="sent"),
            ),
        ]

    def __str__(self):
        return self.public_id


class ShipmentLine(models.Model):
    """Units of one order line in a parcel. Written once."""

    shipment = models.ForeignKey(
        Shipment,
        on_delete=models.CASCADE,
        related_name="lines",
        db_index=False,
    )
    order_line = models.ForeignKey(
        "orders.OrderLine",
        on_delete=models.PROTECT,
        related_name="shipment_lines",
        verbose_name=_("order line"),
    )
    quantity = models.PositiveIntegerField(_("quantity"))

    class Meta:
        verbose_name = _("shipment line")
        verbose_name_plural = _("shipment lines")
        constraints = [
            models.UniqueConstraint(
                fields=["shipment", "order_line"],
                name="shipment_line_once_per_order_line",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0), name="shipment_line_is_positive"
            ),
        ]

    def __str__(self):
        return f"{self.order_line_id} x {self.quantity}"

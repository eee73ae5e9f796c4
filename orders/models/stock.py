"""Every unit that came, went or was promised."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class StockMove(models.Model):
    """One change of the counters of a SKU. Append only; corrections are new moves.

    ``on_hand`` and ``reserved`` of the SKU are the sums of its moves
    (``manage.py verify_stock``). Where stock is not kept, ``delta_on_hand`` is 0;
    beginning and ending to keep it is counting.
    """

    class Kind(models.TextChoices):
        """Why units moved."""

        RECEIVED = "received", _("received")
        RESERVED = "reserved", _("promised")
        RELEASED = "released", _("promise ended")
        SOLD = "sold", _("sold")
        RETURNED = "returned", _("came back")
        ADJUSTED = "adjusted", _("adjusted")
        COUNTED = "counted", _("counted")

    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        related_name="stock_moves",
        verbose_name=_("SKU"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    delta_on_hand = models.IntegerField(_("on hand"))
    delta_reserved = models.IntegerField(_("reserved"))
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stock_moves",
        verbose_name=_("order"),
    )
    actor = models.CharField(_("actor"), max_length=80, db_default="")
    reason = models.CharField(_("reason"), max_length=200, blank=True, db_default="")
    occurred_at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("stock move")
        verbose_name_plural = _("stock moves")
        indexes = [
            models.Index(fields=["variant", "-id"], name="stock_move_by_variant"),
            models.Index(fields=["-occurred_at", "-id"], name="stock_move_newest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="reserved", delta_reserved__gt=0)
                | models.Q(kind__in=["released", "sold"], delta_reserved__lt=0)
                | models.Q(
                    kind__in=["received", "returned", "adjusted", "counted"],
                    delta_reserved=0,
                ),
                name="stock_move_reserves_by_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["reserved", "released"], delta_on_hand=0)
                | models.Q(kind="sold", delta_on_hand__lte=0)
                | models.Q(kind__in=["received", "returned"], delta_on_hand__gte=0)
                | models.Q(kind__in=["adjusted", "counted"]),
                name="stock_move_on_hand_by_kind",
            ),
        ]

    def __str__(self):
        return f"{self.variant_id} {self.get_kind_display()} {self.delta_on_hand:+d}"

"""What a member is worth: kept up to date with every order and refund."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MemberValue(models.Model):
    """Orders of a member in five numbers; refunds are already taken off.

    Written in the transaction that books an order's points, so lists and segments
    never add up orders.
    """

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="value",
    )
    orders = models.PositiveIntegerField(_("orders"), default=0)
    net_minor = models.BigIntegerField(_("lifetime spend"), default=0)
    first_order_at = models.DateTimeField(_("first order"), null=True, blank=True)
    last_order_at = models.DateTimeField(_("last order"), null=True, blank=True)

    class Meta:
        verbose_name = _("member value")
        verbose_name_plural = _("member values")
        indexes = [
            models.Index(fields=["-net_minor", "member"], name="member_value_top"),
            models.Index(fields=["last_order_at", "member"], name="member_value_last"),
        ]

    def __str__(self):
        return f"{self.member_id}: {self.net_minor}"

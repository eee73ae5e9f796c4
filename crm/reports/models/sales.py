"""Sales by day of the shop's calendar."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DailySales(models.Model):
    """What one day and channel brought, in minor units.

    ``net_minor = sales_minor - refunds_minor + adjustments_minor`` where refunds
    count on the day the money went back.
    """

    day = models.DateField(_("day"))
    channel = models.ForeignKey(
        "orders.Channel",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("sales channel"),
    )
    orders = models.PositiveIntegerField(_("orders"), default=0)
    buyers = models.PositiveIntegerField(_("buyers"), default=0)
    sales_minor = models.BigIntegerField(_("sales"), default=0)
    refunds_minor = models.BigIntegerField(_("refunds"), default=0)
    adjustments_minor = models.BigIntegerField(_("adjustments"), default=0)
    refreshed_at = models.DateTimeField(_("data as of"))

    class Meta:
        verbose_name = _("sales of a day")
        verbose_name_plural = _("sales by day")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "channel"],
                name="daily_sales_once_per_day_and_channel",
                nulls_distinct=False,
            )
        ]

    def __str__(self):
        return f"{self.day}"

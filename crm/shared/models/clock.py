"""How far the clock of a demo or test shop runs ahead."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ShopClock(models.Model):
    """The one row that holds the offset of ``crm.shared.clock``. Forward only."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    offset = models.DurationField(default=timedelta)

    class Meta:
        verbose_name = _("shop clock")
        verbose_name_plural = _("shop clocks")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="shop_clock_is_one_row"),
            models.CheckConstraint(
                condition=Q(offset__gte=timedelta(0)),
                name="shop_clock_never_runs_behind",
            ),
        ]

    def __str__(self):
        return f"+{self.offset}"

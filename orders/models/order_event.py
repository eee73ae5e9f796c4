"""What happened to orders, move by move."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order


class OrderEvent(models.Model):
    """One move of an order from state to state, by whom and why. Append only."""

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    actor = models.CharField(_("actor"), max_length=80)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        indexes = [models.Index(fields=["order", "id"], name="order_event_in_order")]

    def __str__(self):
        return f"{self.from_state} -> {self.to_state}"

"""Facts and their deliveries: the outbox."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Fact(models.Model):
    """Something that happened, written in the transaction that made it happen.

    ``payload`` holds ids and whole numbers, never personal data. Facts with the same
    ``key``, such as an order id, reach each subscriber in the order they happened.
    """

    name = models.CharField(_("name"), max_length=100)
    key = models.CharField(_("key"), max_length=80, blank=True)
    payload = models.JSONField(_("payload"))
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    #: Database time: the outbox runs on the real clock, not on the shop's.
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("fact")
        verbose_name_plural = _("facts")
        indexes = [
            models.Index(fields=["name", "recorded_at"], name="fact_by_name"),
            models.Index(fields=["-recorded_at", "-id"], name="fact_newest_first"),
        ]

    def __str__(self):
        return f"#{self.pk} {self.name}"


class Delivery(models.Model):
    """One fact on its way to one subscriber.

    ``due_at`` is when it may be tried (again); while an attempt runs it is the end
    of that attempt's lease. ``attempts`` is also the fence: an attempt that finds
    another number than its own has lost the delivery and must not finish it.
    """

    class State(models.TextChoices):
        """How far it got."""

        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")
        STUCK = "stuck", _("Stuck")

    fact = models.ForeignKey(
        Fact,
        on_delete=models.CASCADE,
        related_name="deliveries",
        verbose_name=_("fact"),
        db_index=False,
    )
    subscriber = models.CharField(_("subscriber"), max_length=200)
    key = models.CharField(_("key"), max_length=80, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.PENDING
    )
    due_at = models.DateTimeField(_("due at"), db_default=Now())
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["fact", "subscriber"], name="delivery_once_per_subscriber"
            ),
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False)
                | Q(~Q(state="done"), done_at__isnull=True),
                name="delivery_done_has_its_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                condition=Q(state="pending"),
                name="delivery_pending_by_due",
            ),
            models.Index(
                fields=["subscriber", "key", "fact"],
                condition=~Q(state="done") & ~Q(key=""),
                name="delivery_open_by_key",
            ),
            models.Index(
                fields=["id"], condition=Q(state="stuck"), name="delivery_stuck"
            ),
        ]

    def __str__(self):
        return f"#{self.pk} {self.subscriber} {self.get_state_display()}"

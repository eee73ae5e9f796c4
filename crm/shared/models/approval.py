"""What one person of the staff asks for and another one decides on."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.public_ids import PublicIdField


class Approval(models.Model):
    """A deed beyond what one person may do alone: it waits for a second one.

    ``kind`` is a key of ``crm.wiring.APPROVALS`` and ``params`` what its deed needs:
    ids and numbers, no personal data. ``subject`` is the number of
    the member, or the public id of what else it is about.
    """

    class State(models.TextChoices):
        """waiting -> approved, rejected, withdrawn (by its author) or expired."""

        WAITING = "waiting", _("waiting for approval")
        APPROVED = "approved", pgettext_lazy("approval", "approved")
        REJECTED = "rejected", pgettext_lazy("approval", "rejected")
        WITHDRAWN = "withdrawn", pgettext_lazy("approval", "withdrawn")
        EXPIRED = "expired", pgettext_lazy("approval", "expired")

    public_id = PublicIdField(prefix="apr")
    kind = models.CharField(_("kind"), max_length=40)
    params = models.JSONField(_("parameters"), default=dict)
    subject = models.CharField(pgettext_lazy("approval", "about"), max_length=40)
    #: The cause, such as ``staff:4f2a…``: asked for again it is the same approval.
    source = models.CharField(_("source"), max_length=80)
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.WAITING
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("asked by"),
    )
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("expires at"))
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    #: Why the second person decided so.
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source"], name="approval_once_per_source"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "expired"], decider__isnull=True)
                | Q(state="withdrawn", decider=F("author"))
                | Q(state__in=["approved", "rejected"], decider__isnull=False)
                & ~Q(decider=F("author")),
                name="approval_is_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True)
                | ~Q(state="waiting") & Q(decided_at__isnull=False),
                name="approval_decided_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["-asked_at", "-id"], name="approval_newest"),
            models.Index(
                fields=["expires_at"],
                condition=Q(state="waiting"),
                name="approval_waiting",
            ),
        ]

    def __str__(self):
        return f"{self.public_id} {self.get_state_display()}"

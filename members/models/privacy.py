"""Requests about personal data: to see it, to erase it, to keep it no longer."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.public_ids import PublicIdField


class DataExport(models.Model):
    """A copy of everything about one member, to be fetched once, for 24 hours.

    ``file`` names sealed bytes in default storage. ``asked_by`` is None when the
    member asked.
    """

    class State(models.TextChoices):
        """preparing -> ready -> fetched or expired."""

        PREPARING = "preparing", _("being prepared")
        READY = "ready", _("ready")
        FETCHED = "fetched", _("fetched")
        EXPIRED = "expired", pgettext_lazy("data export", "expired")

    public_id = PublicIdField(prefix="dex")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="data_exports",
        verbose_name=_("member"),
    )
    asked_by = models.ForeignKey(
        "members.User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked by"),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.PREPARING
    )
    file = models.CharField(_("file"), max_length=120, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    ready_at = models.DateTimeField(_("ready at"), null=True, blank=True)
    #: Exclusive.
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    fetched_at = models.DateTimeField(_("fetched at"), null=True, blank=True)

    class Meta:
        verbose_name = _("data export")
        verbose_name_plural = _("data exports")
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                condition=Q(state__in=["preparing", "ready"]),
                name="data_export_one_open_per_member",
            ),
            models.CheckConstraint(
                condition=Q(state="ready", expires_at__isnull=False) & ~Q(file="")
                | ~Q(state="ready"),
                name="data_export_ready_has_its_file_and_end",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["fetched", "expired"]) | Q(file=""),
                name="data_export_over_has_no_file",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state="ready"),
                name="data_export_by_end",
            )
        ]

    def __str__(self):
        return self.public_id


class Erasure(models.Model):
    """The erasure of one member: asked for, agreed to, done; then its certificate.

    A member's own waits until ``due_at`` and can be called off. Staff ask
    (``author``) and somebody else agrees (``approver``). ``counts`` is what the
    certificate says: model label -> rows cleared or deleted.
    """

    class State(models.TextChoices):
        """waiting -> scheduled -> running -> done; until running also cancelled."""

        WAITING = "waiting", _("waiting for approval")
        SCHEDULED = "scheduled", _("scheduled")
        RUNNING = "running", pgettext_lazy("erasure", "running")
        DONE = "done", pgettext_lazy("erasure", "done")
        CANCELLED = "cancelled", pgettext_lazy("erasure", "cancelled")

    public_id = PublicIdField(prefix="era")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="erasures",
        verbose_name=_("member"),
    )
    state = models.CharField(_("state"), max_length=10, choices=State)
    author = models.ForeignKey(
        "members.User",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked by"),
    )
    approver = models.ForeignKey(
        "members.User",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    due_at = models.DateTimeField(_("not before"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    counts = models.JSONField(_("rows"), default=dict, blank=True)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                condition=~Q(state="cancelled"),
                name="erasure_once_per_member",
            ),
            models.CheckConstraint(
                condition=Q(approver__isnull=True)
                | Q(author__isnull=False) & ~Q(approver=F("author")),
                name="erasure_is_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(author__isnull=True)
                | Q(state__in=["waiting", "cancelled"])
                | Q(approver__isnull=False),
                name="erasure_of_staff_is_approved",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["scheduled", "running"])
                | Q(due_at__isnull=False),
                name="erasure_to_come_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state="done", finished_at__isnull=False)
                | ~Q(state="done") & Q(finished_at__isnull=True),
                name="erasure_done_has_its_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["scheduled", "running"]),
                name="erasure_to_come",
            )
        ]

    def __str__(self):
        return self.public_id


class RevealBudget(models.Model):
    """How much personal data in clear one of the staff has taken on one day."""

    class Kind(models.TextChoices):
        """Values looked at on a page, or rows taken out in a file."""

        REVEAL = "reveal", _("values shown")
        EXPORT = "export", _("rows exported in clear")

    user = models.ForeignKey(
        "members.User", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    day = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    used = models.PositiveIntegerField(_("used"))

    class Meta:
        verbose_name = _("reveal budget")
        verbose_name_plural = _("reveal budgets")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "day", "kind"], name="reveal_budget_once_per_day"
            )
        ]

    def __str__(self):
        return f"{self.user_id} {self.day} {self.kind}: {self.used}"


class RetentionRun(models.Model):
    """What one run of the retention rules found: rule code -> rows."""

    at = models.DateTimeField(_("time"))
    is_dry_run = models.BooleanField(
        _("dry run"), help_text=_("Counted, and changed nothing.")
    )
    counts = models.JSONField(_("rows"), default=dict)

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        indexes = [models.Index(fields=["-at", "-id"], name="retention_run_newest")]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M}"

"""Long work: jobs and what they said."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class Job(models.Model):
    """Work too long for a request: an import, an export, a batch, a recalculation.

    The row is the truth; the broker only carries a hint that it exists. Work goes in
    chunks, and each chunk commits together with ``cursor``, so a killed worker's job
    goes on where it stood. ``fence`` is raised by every claim: a runner that finds
    another number than its own has lost the job. Times but ``asked_at`` are real
    (database) time.
    """

    class State(models.TextChoices):
        """Where the job stands."""

        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = PublicIdField(prefix="job")
    kind = models.CharField(_("kind"), max_length=60)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    #: The shop's time when it was asked for; all other times are the database's.
    asked_at = models.DateTimeField(_("asked at"))
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.QUEUED
    )
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("total"), null=True, blank=True)
    cursor = models.JSONField(_("cursor"), default=dict, blank=True)
    message = models.CharField(_("message"), max_length=200, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)
    files = models.JSONField(_("files"), default=dict, blank=True)
    fence = models.PositiveIntegerField(_("fence"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    #: When the present run began and what was done by then: the base of the rate.
    resumed_at = models.DateTimeField(_("resumed at"), null=True, blank=True)
    resumed_done = models.BigIntegerField(_("done when resumed"), default=0)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("background job")
        verbose_name_plural = _("background jobs")
        constraints = [
            models.CheckConstraint(
                condition=Q(done__gte=0) & (Q(total__isnull=True) | Q(total__gte=0)),
                name="job_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(
                    state__in=["done", "failed", "cancelled"],
                    finished_at__isnull=False,
                ),
                name="job_finished_has_its_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["heartbeat_at"],
                condition=Q(state__in=["queued", "running"]),
                name="job_open_by_heartbeat",
            ),
            models.Index(F("created_at").desc(), name="job_newest_first"),
        ]

    def __str__(self):
        return f"{self.public_id} {self.kind} {self.get_state_display()}"

    @property
    def is_open(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in {self.State.QUEUED, self.State.RUNNING}

    @property
    def percent(self) -> int | None:
        """Whole per cent done, 0 to 100, or None while the total is not known."""
        if self.state == self.State.DONE:
            return 100
        if not self.total:
            return None
        return min(100, self.done * 100 // self.total)

    @property
    def per_second(self) -> float | None:
        """Units done per second since the present run began, or None if unknown."""
        until = self.finished_at or self.heartbeat_at
        if self.resumed_at is None or until is None:
            return None
        seconds = (until - self.resumed_at).total_seconds()
        gone = self.done - self.resumed_done
        return gone / seconds if seconds > 0 and gone > 0 else None

    @property
    def time_left(self) -> timedelta | None:
        """How long the rest will take at the present rate, or None if unknown."""
        rate = self.per_second
        if self.state != self.State.RUNNING or rate is None or self.total is None:
            return None
        return timedelta(seconds=round(max(0, self.total - self.done) / rate))


class JobLine(models.Model):
    """One line of a job's log, in its order. Shown to staff; no personal data."""

    job = models.ForeignKey(
        Job,
        on_delete=models.CASCADE,
        related_name="lines",
        verbose_name=_("job"),
        db_index=False,
    )
    at = models.DateTimeField(_("at"), db_default=Now())
    text = models.CharField(_("text"), max_length=500)

    class Meta:
        verbose_name = _("log line")
        verbose_name_plural = _("log lines")
        indexes = [models.Index(fields=["job", "id"], name="job_line_in_order")]

    def __str__(self):
        return self.text

"""Files that were brought in."""

from crm.shared.public_ids import PublicIdField
from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportBatch(models.Model):
    """One file, known by its content: bringing it in again changes nothing."""

    class State(models.TextChoices):
        """How far it came."""

        RUNNING = "running", _("running")
        DONE = "done", _("done")

    public_id = PublicIdField(prefix="imp")
    profile = models.CharField(_("profile"), max_length=40)
    sha256 = models.CharField(_("content hash"), max_length=64)
    file_name = models.CharField(_("file"), max_length=255)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.RUNNING
    )
    rows_read = models.PositiveIntegerField(_("rows read"), default=0)
    rows_stored = models.PositiveIntegerField(_("rows stored"), default=0)
    rows_reported = models.PositiveIntegerField(_("rows reported"), default=0)
    #: Where to go on after a stop.
    cursor = models.JSONField(default=dict)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "sha256"], name="import_once_per_content"
            )
        ]

    def __str__(self):
        return f"{self.file_name} ({self.profile})"

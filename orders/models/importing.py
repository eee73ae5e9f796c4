"""Files that were brought in, and what was odd about them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class ImportBatch(models.Model):
    """One file, known by its content: bringing it in again changes nothing.

    ``rows_read = rows_stored + rows_reported`` once it is done.
    """

    class State(models.TextChoices):
        """How far it came."""

        RUNNING = "running", _("running")
        DONE = "done", _("done")

    public_id = PublicIdField(prefix="imp")
    profile = models.CharField(_("profile"), max_length=40)
    #: Of the unpacked content, so that a file and its gzip are one and the same.
    sha256 = models.CharField(_("content hash"), max_length=64)
    file_name = models.CharField(_("file"), max_length=255)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.RUNNING
    )
    rows_read = models.PositiveIntegerField(_("rows read"), default=0)
    rows_stored = models.PositiveIntegerField(_("rows stored"), default=0)
    rows_reported = models.PositiveIntegerField(_("rows reported"), default=0)
    #: Where to go on after a stop: ``phase``, ``next`` piece and the ``counts`` so far.
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


class ImportIssue(models.Model):
    """One cell of a file that stopped its row, or was changed to let it in.

    What to do about each ``code`` stands in ``orders.services.importing_report``.
    """

    batch = models.ForeignKey(
        ImportBatch,
        on_delete=models.CASCADE,
        related_name="issues",
        db_index=False,
    )
    #: Line of the file, the heading being line 1.
    row = models.PositiveIntegerField(_("row"))
    column = models.CharField(_("column"), max_length=40)
    code = models.CharField(_("reason"), max_length=40)
    value = models.CharField(_("value"), max_length=80, blank=True)
    invoice = models.CharField(_("invoice"), max_length=40, blank=True)
    #: False: the row was left out. True: it was stored, with this cell changed.
    is_stored = models.BooleanField(_("stored"), default=False)

    class Meta:
        verbose_name = _("import issue")
        verbose_name_plural = _("import issues")
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "row", "column", "code"],
                name="import_issue_once_per_cell",
            )
        ]

    def __str__(self):
        return f"{self.row} {self.column}: {self.code}"

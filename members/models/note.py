"""What staff write about a member."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class Note(models.Model):
    """A remark on the member's timeline. Its text may name people: encrypted."""

    public_id = PublicIdField(prefix="note")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        related_name="notes",
        db_index=False,
    )
    author = models.ForeignKey(
        "members.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    text = EncryptedTextField(_("text"), max_length=2000)
    #: Public id of what it is about; empty for the member as such.
    about = models.CharField(
        _("about"), max_length=40, blank=True, default="", db_default=""
    )
    is_pinned = models.BooleanField(_("pinned"), default=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        indexes = [
            models.Index(fields=["member", "-created_at"], name="note_by_member"),
            models.Index(
                fields=["about"], condition=~models.Q(about=""), name="note_by_matter"
            ),
        ]

    def __str__(self):
        return self.public_id

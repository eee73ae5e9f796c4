"""Open sessions, of members and of staff."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class Session(models.Model):
    """One signed-in device, or a visitor on the way to signing in.

    The token is not here, only its hash: who reads the table cannot use it. What
    the session remembers is encrypted. Written by ``members.sessions`` alone.
    """

    session_key = models.CharField(_("hash of the token"), max_length=64, unique=True)
    public_id = PublicIdField(prefix="ses")
    user = models.ForeignKey(
        "members.User",
        on_delete=models.CASCADE,
        null=True,
        related_name="sessions",
        verbose_name=_("login"),
        db_index=False,
    )
    session_data = EncryptedTextField(
        _("what it remembers"), max_length=100_000, row="session_key"
    )
    device = models.CharField(_("device"), max_length=60, blank=True)
    network = models.CharField(
        _("network"),
        max_length=50,
        blank=True,
        help_text=_("The address without its last part."),
    )
    created_at = models.DateTimeField(_("signed in at"))
    seen_at = models.DateTimeField(_("last seen at"))
    #: Ends it when nobody uses it; moves on with use, never beyond ``ends_at``.
    expire_date = models.DateTimeField(_("ends unused at"), db_index=True)
    ends_at = models.DateTimeField(_("ends at"))

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [
            models.Index(fields=["user", "-seen_at"], name="session_by_login"),
        ]

    def __str__(self):
        return self.public_id

"""The picture of a member."""

import base64

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class Avatar(models.Model):
    """A small square WebP, encrypted like any personal text.

    It lives in the database, not in a folder: it appears, disappears and is backed up
    with its member, and nobody can ask a web server for it.
    """

    public_id = PublicIdField(prefix="avt")
    member = models.OneToOneField(
        "members.Member",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="avatar",
        verbose_name=_("member"),
    )
    #: The bytes of the file in base64.
    picture = EncryptedTextField(_("picture"), max_length=200_000)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")

    def __str__(self):
        return self.public_id

    @property
    def webp(self) -> bytes:
        """The bytes of the file."""
        return base64.b64decode(self.picture)

"""Keys by which other programs of the shop call the server API."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class ServerKey(models.Model):
    """One key. Its secret is shown once; a keyed hash of it stays.

    ``window_started_at`` and ``used`` count the requests of the current minute.
    """

    public_id = PublicIdField(prefix="key")
    name = models.CharField(
        _("name"), max_length=60, help_text=_("Which program uses it, for example ERP.")
    )
    prefix = models.CharField(_("begins with"), max_length=20)
    digest = models.BinaryField(max_length=33, unique=True)
    scopes = ArrayField(models.CharField(max_length=40), verbose_name=_("scopes"))
    per_minute = models.PositiveIntegerField(
        _("requests per minute"), default=600, help_text=_("More are refused.")
    )
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    window_started_at = models.DateTimeField(null=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("server key")
        verbose_name_plural = _("server keys")

    def __str__(self):
        return f"{self.name} {self.prefix}…"

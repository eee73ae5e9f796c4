"""What a member allowed, as a ledger."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Consent(models.Model):
    """One statement of a member about one purpose and channel. Append only.

    The newest row of a (member, purpose, channel) is what holds now.
    """

    class Purpose(models.TextChoices):
        """What messages or processing are for."""

        MARKETING = "marketing", _("marketing")
        PROFILING = "profiling", _("personal recommendations")

    class Channel(models.TextChoices):
        """By which way."""

        EMAIL = "email", _("e-mail")
        SMS = "sms", _("SMS")
        IN_APP = "in_app", _("in-app")
        ANY = "any", _("any")

    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="consents",
        verbose_name=_("member"),
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    granted = models.BooleanField(pgettext_lazy("consent", "granted"))
    text_version = models.CharField(_("text version"), max_length=40)
    source = models.CharField(
        _("source"), max_length=60, help_text=_("Form, file or person it came from.")
    )
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [
            models.Index(
                fields=["member", "purpose", "channel", "-occurred_at", "-id"],
                name="consent_newest_first",
            )
        ]

    def __str__(self):
        return f"{self.get_purpose_display()} · {self.get_channel_display()}"

"""The first step of a double opt-in: asked for, not yet granted."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField
from members.models.consent import Consent, Purpose


class ConsentRequest(models.Model):
    """Somebody said yes; whether they own the address, a link must show.

    The link's secret is kept as a keyed hash. ``address_mark`` is the blind index of
    the address the link went to: a link to a former address opens nothing.
    """

    public_id = PublicIdField(prefix="csr")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="consent_requests",
        verbose_name=_("member"),
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    channel = models.CharField(
        _("channel"), max_length=10, choices=Consent.Channel.choices
    )
    text_version = models.CharField(_("text version"), max_length=40)
    text_digest = models.BinaryField(max_length=32)
    source = models.CharField(_("source"), max_length=60)
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    network = models.CharField(_("network"), max_length=50, blank=True)
    agent = models.CharField(_("browser"), max_length=40, blank=True)
    token_mark = models.BinaryField(max_length=17, null=True, unique=True)
    address_mark = models.BinaryField(max_length=17, null=True)
    sends = models.PositiveSmallIntegerField(_("sent"), default=0)
    last_sent_at = models.DateTimeField(_("last sent at"))
    requested_at = models.DateTimeField(_("requested at"))
    expires_at = models.DateTimeField(_("expires at"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)

    class Meta:
        verbose_name = _("consent request")
        verbose_name_plural = _("consent requests")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "purpose", "channel"],
                condition=models.Q(confirmed_at__isnull=True),
                name="consent_request_one_open",
            )
        ]

    def __str__(self):
        return self.public_id

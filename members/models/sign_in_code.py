"""One-time codes: six digits sent to a phone or an e-mail address."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class SignInCode(models.Model):
    """One code, for one address and one browser or app.

    Only a keyed hash of the code is compared. The code itself is kept, encrypted,
    until it was sent; the address until the code was used.
    """

    class Channel(models.TextChoices):
        """How it is sent; the codes are those of ``crm.wiring.CHANNELS``."""

        SMS = "sms", _("SMS")
        EMAIL = "email", _("e-mail")

    class State(models.TextChoices):
        """Where the sending stands. A sender that died is not repeated."""

        QUEUED = "queued", _("queued")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        SUPPRESSED = "suppressed", _("not sent on purpose")
        FAILED = "failed", _("failed")

    public_id = PublicIdField(prefix="sic")
    #: Set when a signed-in member proves an address; then it opens nothing.
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("member"),
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    contact = EncryptedTextField(_("sent to"), max_length=254, null=True)
    code = EncryptedTextField(_("code"), max_length=10, null=True)
    code_mark = models.BinaryField(_("hash of the code"))
    tries_left = models.PositiveSmallIntegerField(_("tries left"))
    language = models.CharField(_("language"), max_length=10, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.QUEUED
    )
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    used_at = models.DateTimeField(_("used at"), null=True)

    class Meta:
        verbose_name = _("sign-in code")
        verbose_name_plural = _("sign-in codes")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending"]) | Q(code__isnull=True),
                name="sign_in_code_is_forgotten_when_sent",
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(contact__isnull=True),
                name="sign_in_contact_is_forgotten_when_used",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="sign_in_code_to_send",
                condition=Q(state="queued"),
            ),
        ]

    def __str__(self):
        return self.public_id

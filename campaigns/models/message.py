"""Messages to members: written once, claimed by a sender, sent once."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class Message(models.Model):
    """One message to one member by one channel.

    ``dedupe_key`` makes writing it twice impossible. The text is encrypted, for it
    may name the member; the address is looked up when it is sent.
    """

    class State(models.TextChoices):
        """Where the message stands."""

        QUEUED = "queued", _("queued")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        SUPPRESSED = "suppressed", _("not sent on purpose")
        FAILED = "failed", _("failed")

    public_id = PublicIdField(prefix="msg")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="messages",
        verbose_name=_("member"),
        db_index=False,
    )
    channel = models.CharField(_("channel"), max_length=10)
    template = models.CharField(_("template"), max_length=40)
    subject = models.CharField(_("subject"), max_length=160, blank=True)
    body = EncryptedTextField(_("text"), max_length=4000)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.QUEUED
    )
    note = models.CharField(_("why"), max_length=120, blank=True)
    dedupe_key = models.CharField(max_length=120, unique=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    send_after = models.DateTimeField(_("not before"))
    claimed_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["member", "-created_at"], name="message_by_member"),
            models.Index(fields=["-created_at", "-id"], name="message_newest_first"),
            models.Index(
                fields=["send_after"],
                name="message_to_send",
                condition=models.Q(state__in=["queued", "sending"]),
            ),
            # For the list by state. What was sent, nearly all, is found at once.
            models.Index(
                fields=["state", "-created_at", "-id"],
                name="message_rare_states",
                condition=~models.Q(state="sent"),
            ),
        ]

    def __str__(self):
        return self.public_id

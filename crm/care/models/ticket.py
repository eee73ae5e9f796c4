"""Complaints, suggestions and questions of members."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class Ticket(models.Model):
    """One matter a member raised."""

    class Kind(models.TextChoices):
        """What it is about."""

        COMPLAINT = "complaint", _("complaint")
        SUGGESTION = "suggestion", _("suggestion")
        QUESTION = "question", _("question")
        RETURN = "return", _("return")

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "open", _("open")
        WAITING = "waiting", _("waiting for the member")
        SOLVED = "solved", _("solved")

    public_id = PublicIdField(prefix="tkt")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="tickets",
        verbose_name=_("member"),
        db_index=False,
    )
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tickets",
        verbose_name=_("order"),
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.OPEN
    )
    subject = EncryptedTextField(_("subject"), max_length=160)
    owner = models.ForeignKey(
        "members.User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    created_at = models.DateTimeField(_("created at"))
    due_at = models.DateTimeField(_("answer due at"))
    solved_at = models.DateTimeField(_("solved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        indexes = [
            models.Index(fields=["state", "due_at", "-id"], name="ticket_most_urgent"),
            models.Index(
                fields=["due_at", "-id"],
                condition=~models.Q(state="solved"),
                name="ticket_open_by_due",
            ),
            models.Index(fields=["member", "-created_at"], name="ticket_by_member"),
        ]

    def __str__(self):
        return self.public_id


class TicketMessage(models.Model):
    """One message of the conversation; a private one is for staff only."""

    public_id = PublicIdField(prefix="tkm")
    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, related_name="messages"
    )
    author = models.ForeignKey(
        "members.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    is_from_member = models.BooleanField(_("from the member"))
    is_private = models.BooleanField(_("private"), default=False)
    text = EncryptedTextField(_("text"), max_length=4000)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("ticket message")
        verbose_name_plural = _("ticket messages")
        ordering = ["id"]

    def __str__(self):
        return self.public_id

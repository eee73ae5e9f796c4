"""Answers kept so that a repeated request gets the same one."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField

#: Longest answer that is kept; no answer of a write comes near it.
MOST_CHARACTERS = 1_000_000


class IdempotencyKey(models.Model):
    """The answer to one request of one caller, byte for byte.

    The row is inserted before the work, in its transaction: a rival with the same key
    waits on the unique index and then reads the answer. ``body`` is text because JSON
    kept as ``jsonb`` comes back with another key order, and sealed because it may
    tell callers what they said about themselves.
    """

    caller = models.CharField(_("caller"), max_length=80)
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.BinaryField(_("fingerprint"), max_length=32)
    #: Fingerprints of requests that were refused under this key before, end to end.
    refused = models.BinaryField(_("refused"), default=b"", db_default=b"")
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    headers = models.JSONField(_("headers"), default=dict)
    body = EncryptedTextField(
        _("body"), row="id", max_length=MOST_CHARACTERS, null=True
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "key"], name="idempotency_key_once_per_caller"
            ),
            models.CheckConstraint(
                condition=Q(status__isnull=True, body__isnull=True)
                | Q(status__isnull=False, body__isnull=False),
                name="idempotency_answer_is_whole",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self):
        return f"{self.caller} {self.key[:8]}…"

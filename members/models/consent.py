"""What a member allowed, as a ledger, and the texts they were shown."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Purpose(models.TextChoices):
    """What messages or processing are for."""

    MARKETING = "marketing", _("marketing")
    PROFILING = "profiling", _("personal recommendations")


class ConsentText(models.Model):
    """What a member is asked to agree to, word for word. Append only.

    A change of a word is a new version; ``digest`` is what consents keep of it.
    """

    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    version = models.CharField(
        _("version"), max_length=40, help_text=_("For example 2026-11.")
    )
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES
    )
    body = models.TextField(_("text"), max_length=4000)
    digest = models.BinaryField(_("fingerprint"), max_length=32, unique=True)
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "version", "language"],
                name="consent_text_once_per_version",
                violation_error_message=_(
                    "This version is published already. Texts never change: choose a "
                    "new version."
                ),
            )
        ]

    def __str__(self):
        return f"{self.get_purpose_display()} {self.version}"


class ConsentQuerySet(models.QuerySet):
    """Filters of what members said."""

    def holding(self):
        """Return every yes after which nothing else was said about the same."""
        newer = Consent.objects.filter(
            Q(occurred_at__gt=OuterRef("occurred_at"))
            | Q(occurred_at=OuterRef("occurred_at"), id__gt=OuterRef("id")),
            member=OuterRef("member"),
            purpose=OuterRef("purpose"),
            channel=OuterRef("channel"),
        )
        return self.filter(~Exists(newer), granted=True)


class Consent(models.Model):
    """One statement of a member about one purpose and channel. Append only.

    The newest row of a (member, purpose, channel) is what holds now. ``text_digest``,
    ``request_id``, ``network``, ``agent`` and ``first_step`` prove how it came about;
    what staff or a program wrote down names them in ``actor`` and says why.
    """

    Purpose = Purpose

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
        db_index=False,
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    granted = models.BooleanField(pgettext_lazy("consent", "granted"))
    text_version = models.CharField(_("text version"), max_length=40)
    #: ``ConsentText.digest``; empty for what was said elsewhere, and for a no.
    text_digest = models.BinaryField(
        _("fingerprint of the text"), max_length=32, null=True
    )
    source = models.CharField(
        _("source"), max_length=60, help_text=_("Form, file or person it came from.")
    )
    #: The first step of a double opt-in; this row is the second.
    first_step = models.OneToOneField(
        "members.ConsentRequest",
        on_delete=models.PROTECT,
        null=True,
        related_name="consent",
        verbose_name=_("first step"),
    )
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    network = models.CharField(_("network"), max_length=50, blank=True)
    agent = models.CharField(_("browser"), max_length=40, blank=True)
    actor = models.CharField(_("written by"), max_length=150, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(actor="") | ~models.Q(reason=""),
                name="consent_written_by_others_says_why",
            )
        ]
        indexes = [
            models.Index(
                fields=["member", "purpose", "channel", "-occurred_at", "-id"],
                name="consent_newest_first",
            ),
            models.Index(fields=["purpose", "-id"], name="consent_by_purpose"),
            models.Index(fields=["channel", "-id"], name="consent_by_channel"),
            models.Index(
                fields=["-id"], condition=Q(granted=False), name="consent_refused"
            ),
        ]

    def __str__(self):
        return f"{self.get_purpose_display()} · {self.get_channel_display()}"

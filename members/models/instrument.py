"""Cards and wallets members bound, and what verifiers said about them."""

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import BlindIndexField, EncryptedTextField, Sealable
from crm.shared.public_ids import PublicIdField


class PaymentInstrumentQuerySet(models.QuerySet):
    """Filters that chain."""

    def bound(self):
        """Return those that were not removed."""
        return self.filter(removed_at__isnull=True)

    def with_standing(self):
        """Add what is known of the newest verification; ``status`` reads it."""
        newest = Verification.objects.filter(instrument=OuterRef("pk")).order_by("-pk")
        return self.annotate(
            asked_at=Subquery(newest.values("asked_at")[:1]),
            outcome=Subquery(newest.values("result__outcome")[:1]),
            decided_at=Subquery(newest.values("result__decided_at")[:1]),
        )


class PaymentInstrument(Sealable):
    """A card or wallet of a member, as far as a shop may know it.

    ``token`` is the verifier's own name for it and opens nothing elsewhere. Card
    numbers, expiry dates and security codes are never kept. Removing one forgets
    token and last digits; the row stays, for verifications point to it.
    """

    class Kind(models.TextChoices):
        """What it is."""

        CARD = "card", _("card")
        WECHAT = "wechat", _("WeChat Pay")
        ALIPAY = "alipay", _("Alipay")

    class Status(models.TextChoices):
        """What the newest verification says."""

        UNCHECKED = "unchecked", _("not checked")
        PENDING = "pending", _("being checked")
        PASSED = "passed", _("verified")
        FAILED = "failed", _("refused")

    public_id = PublicIdField(prefix="ins")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="instruments",
        verbose_name=_("member"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    #: Key of ``crm.wiring.INSTRUMENT_VERIFIERS``.
    verifier = models.CharField(_("verifier"), max_length=20)
    brand = models.CharField(_("brand"), max_length=20, blank=True)
    last_four = EncryptedTextField(
        _("last four digits"), max_length=4, null=True, blank=True
    )
    token = EncryptedTextField(_("token"), max_length=200, null=True, blank=True)
    token_index = BlindIndexField(
        source="token", normalise="members.rules.external_identity.exact"
    )
    bound_at = models.DateTimeField(_("bound at"))
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    objects = PaymentInstrumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment instrument")
        verbose_name_plural = _("payment instruments")
        constraints = [
            models.UniqueConstraint(
                fields=["verifier", "token_index"],
                name="instrument_bound_once_per_token",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True, token__isnull=False)
                | Q(removed_at__isnull=False, token__isnull=True),
                name="instrument_forgets_its_token_when_removed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["member", "-id"],
                condition=Q(removed_at__isnull=True),
                name="instrument_bound_by_member",
            )
        ]

    def __str__(self):
        return self.public_id

    @property
    def status(self) -> str:
        """Where the newest verification stands; needs ``with_standing()``."""
        if self.outcome:
            return self.outcome
        return self.Status.PENDING if self.asked_at else self.Status.UNCHECKED

    @property
    def standing(self) -> str:
        """``status`` in words."""
        return self.Status(self.status).label


class Verification(models.Model):
    """One question to a verifier. Append only; its public id is the verifier's key."""

    public_id = PublicIdField(prefix="ver")
    instrument = models.ForeignKey(
        PaymentInstrument, on_delete=models.PROTECT, related_name="verifications"
    )
    asked_at = models.DateTimeField(_("asked at"))

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")

    def __str__(self):
        return self.public_id


class VerificationResult(models.Model):
    """What a verifier answered: the evidence. Append only, one per question."""

    class Outcome(models.TextChoices):
        """Yes or no."""

        PASSED = "passed", _("verified")
        FAILED = "failed", _("refused")

    verification = models.OneToOneField(
        Verification, on_delete=models.PROTECT, related_name="result"
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    #: The verifier's own number of the check: with it they can be asked about it.
    reference = models.CharField(_("reference"), max_length=80)
    #: The verifier's code for why not, such as ``insufficient_funds``.
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    decided_at = models.DateTimeField(_("decided at"))
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("verification result")
        verbose_name_plural = _("verification results")

    def __str__(self):
        return f"{self.outcome} {self.reference}"

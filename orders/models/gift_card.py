"""Gift cards: value that was sold and waits for whoever brings the code."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import BlindIndexField, EncryptedTextField, Sealable
from crm.shared.public_ids import PublicIdField


class GiftCard(Sealable):
    """One sold card. Redeemed whole, once, into the wallet of who brings the code.

    The code is a bearer's secret: sealed, found by its keyed fingerprint, shown to
    the buyer and, for a reason, to staff.
    """

    class State(models.TextChoices):
        """Issued, then one of the two."""

        ISSUED = "issued", _("issued")
        REDEEMED = "redeemed", _("redeemed")
        VOIDED = "voided", _("voided")

    public_id = PublicIdField(prefix="gft")
    line = models.ForeignKey(
        "orders.OrderLine",
        on_delete=models.PROTECT,
        related_name="gift_cards",
        verbose_name=_("order line"),
        db_index=False,
    )
    #: Which unit of the line, from 1.
    number = models.PositiveIntegerField(_("number"))
    code = EncryptedTextField(_("code"), max_length=16)
    code_mark = BlindIndexField(
        source="code", normalise="orders.rules.gift_codes.tidy", unique=True
    )
    amount_minor = models.BigIntegerField(_("amount"))
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.ISSUED
    )
    issued_at = models.DateTimeField(_("issued at"))
    #: Exclusive; None never expires.
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    redeemed_by = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="gift_cards",
        verbose_name=_("redeemed by"),
    )
    redeemed_at = models.DateTimeField(_("redeemed at"), null=True, blank=True)
    #: What voided it; the card is good again when this refund fails.
    refund = models.ForeignKey(
        "orders.Refund",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="gift_cards",
        verbose_name=_("refund"),
    )

    class Meta:
        verbose_name = _("gift card")
        verbose_name_plural = _("gift cards")
        constraints = [
            models.UniqueConstraint(
                fields=["line", "number"], name="gift_card_once_per_unit"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="gift_card_holds_something"
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="issued", redeemed_by__isnull=True, refund__isnull=True)
                    | Q(
                        state="redeemed",
                        redeemed_by__isnull=False,
                        redeemed_at__isnull=False,
                        refund__isnull=True,
                    )
                    | Q(state="voided", redeemed_by__isnull=True, refund__isnull=False)
                ),
                name="gift_card_state_matches_row",
            ),
        ]
        indexes = [
            models.Index(fields=["-issued_at", "-id"], name="gift_card_newest_first")
        ]

    def __str__(self):
        return self.public_id

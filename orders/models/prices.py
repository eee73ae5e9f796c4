"""What a SKU costs whom, and when."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Price(models.Model):
    """One price of one SKU in ``[starts_at, ends_at)``.

    ``audience`` is empty for everybody, ``member`` for who is signed in, and
    ``tier:<code>`` for who holds that tier.
    """

    class Kind(models.TextChoices):
        """Which price it is."""

        LIST = "list", _("list price")
        SALE = "sale", _("sale price")
        MEMBER = "member", _("member price")

    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.CASCADE,
        related_name="prices",
        verbose_name=_("SKU"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    audience = models.CharField(_("for"), max_length=60, blank=True, default="")
    amount_minor = models.BigIntegerField(_("price"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0), name="price_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="price_ends_after_it_starts",
            ),
        ]
        indexes = [models.Index(fields=["variant", "starts_at"], name="price_of_sku")]

    def __str__(self):
        return f"{self.kind} {self.amount_minor}"

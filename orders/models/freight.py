"""What delivery costs, and where an order goes."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class FreightRule(models.Model):
    """What delivery to some provinces costs; see ``orders.rules.freight``."""

    name = models.CharField(_("name"), max_length=80)
    provinces = ArrayField(
        models.CharField(max_length=60),
        verbose_name=_("provinces"),
        default=list,
        blank=True,
        help_text=_("Separated by commas; empty is everywhere else."),
    )
    first_grams = models.PositiveIntegerField(
        _("first weight"),
        default=1000,
        help_text=_("In grams: so much is carried for the first fee."),
    )
    first_minor = models.BigIntegerField(_("first fee"))
    step_grams = models.PositiveIntegerField(
        _("further weight"),
        default=0,
        help_text=_("In grams; 0: weight does not matter."),
    )
    step_minor = models.BigIntegerField(_("fee for each further weight"), default=0)
    free_from_minor = models.BigIntegerField(
        _("free from"),
        null=True,
        blank=True,
        help_text=_("Goods after promotions and coupons; empty is never free."),
    )
    priority = models.SmallIntegerField(
        _("priority"), default=0, help_text=_("Of two that fit, the higher one counts.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("freight rule")
        verbose_name_plural = _("freight rules")
        ordering = ["-priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_minor__gte=0)
                & Q(step_minor__gte=0)
                & (Q(free_from_minor__isnull=True) | Q(free_from_minor__gte=0)),
                name="freight_rule_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(step_minor=0) | Q(step_grams__gt=0),
                name="freight_rule_steps_have_a_weight",
                violation_error_message=_("Say for which further weight the fee is."),
            ),
        ]

    def __str__(self):
        return self.name


class OrderAddress(models.Model):
    """Where one order goes: a sealed copy, so that it stays when addresses change."""

    public_id = PublicIdField(prefix="oad")
    order = models.OneToOneField(
        "orders.Order", on_delete=models.CASCADE, related_name="address"
    )
    recipient = EncryptedTextField(_("recipient"), max_length=120)
    phone = EncryptedTextField(_("phone"), max_length=20, null=True, blank=True)
    #: ISO 3166, two capitals.
    country = models.CharField(_("country"), max_length=2)
    province = EncryptedTextField(_("province"), max_length=60, null=True, blank=True)
    city = EncryptedTextField(_("city"), max_length=60, null=True, blank=True)
    district = EncryptedTextField(_("district"), max_length=60, null=True, blank=True)
    street = EncryptedTextField(_("street"), max_length=200)
    postcode = EncryptedTextField(_("postcode"), max_length=12, null=True, blank=True)

    class Meta:
        verbose_name = _("delivery address")
        verbose_name_plural = _("delivery addresses")

    def __str__(self):
        return self.public_id

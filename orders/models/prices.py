"""What a SKU costs whom, and when: the past and the plan."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _


class Price(models.Model):
    """One price of one SKU during ``[starts_at, ends_at)``.

    The history only grows: a trigger lets a row do nothing but end earlier than it
    said, and be marked as applied once. A price called off before it began ends when
    it starts: an empty period, kept to be seen. Two prices of one kind for the same
    audience never overlap.

    ``audience`` is ``""`` for everybody, ``member``, or ``tier:<code>``.
    """

    class Kind(models.TextChoices):
        """What sort of price it is."""

        LIST = "list", _("list price")
        SALE = "sale", _("sale price")
        MEMBER = "member", _("member price")

    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        related_name="prices",
        verbose_name=_("SKU"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    audience = models.CharField(
        _("for whom"), max_length=60, blank=True, default="", db_default=""
    )
    amount_minor = models.BigIntegerField(_("amount"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    #: When ``Variant.price_minor`` took this list price; None on other prices.
    applied_at = models.DateTimeField(null=True, blank=True, editable=False)
    actor = models.CharField(_("actor"), max_length=80, blank=True, db_default="")
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount_minor__gte=0), name="price_is_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gte=models.F("starts_at")),
                name="price_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="list", audience="")
                | models.Q(kind="sale")
                | (models.Q(kind="member") & ~models.Q(audience="")),
                name="price_audience_matches_kind",
            ),
            ExclusionConstraint(
                name="price_one_at_a_time",
                expressions=[
                    ("variant", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("audience", RangeOperators.EQUAL),
                    (
                        models.Func(
                            "starts_at",
                            "ends_at",
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        indexes = [
            models.Index(fields=["variant", "starts_at"], name="price_by_variant"),
            models.Index(
                fields=["starts_at"],
                name="price_to_apply",
                condition=models.Q(kind="list", applied_at__isnull=True),
            ),
        ]

    def __str__(self):
        kind = self.get_kind_display()
        return f"{self.variant_id} {kind} {self.audience} {self.amount_minor}"

"""What the orders taught us: rebuilt as a whole, read by one indexed look-up."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Popularity(models.Model):
    """How many members bought a product, newer purchases counting more."""

    product = models.OneToOneField(
        "orders.Product",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
        verbose_name=_("product"),
    )
    buyers = models.PositiveIntegerField(_("buyers"))
    score = models.FloatField(_("score"))

    class Meta:
        verbose_name = _("popular product")
        verbose_name_plural = _("popular products")
        indexes = [models.Index(fields=["-score", "product"], name="popularity_top")]

    def __str__(self):
        return f"{self.product_id}: {self.score:.3f}"


class BoughtTogether(models.Model):
    """``other`` is bought by buyers of ``product`` more than chance would have it."""

    product = models.ForeignKey(
        "orders.Product",
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("product"),
        db_index=False,
    )
    other = models.ForeignKey(
        "orders.Product",
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("other product"),
    )
    #: Members who bought both, and members who bought ``product``.
    both = models.PositiveIntegerField(_("bought both"))
    buyers = models.PositiveIntegerField(_("buyers"))
    score = models.FloatField(_("score"))

    class Meta:
        verbose_name = _("pair bought together")
        verbose_name_plural = _("pairs bought together")
        constraints = [
            models.UniqueConstraint(
                fields=["product", "other"], name="bought_together_once_per_pair"
            )
        ]
        indexes = [
            models.Index(fields=["product", "-score"], name="bought_together_top")
        ]

    def __str__(self):
        return f"{self.product_id} + {self.other_id}"

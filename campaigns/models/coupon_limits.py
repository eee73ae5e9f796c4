"""What keeps coupons within their limits: tallies of uses, and budgets of money."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class UseTally(models.Model):
    """Holds and uses of one template by one person, or by all, in one time (C8, C11).

    ``whose`` is empty for everybody, ``m:12`` for a member, or ``e:…`` and ``p:…``
    for a keyed fingerprint of an e-mail address or a phone number: people who come
    back as somebody else are counted, and nobody can be read from it. ``period`` is
    empty, or names a day, week or month such as ``2026-W47``.
    """

    template = models.ForeignKey(
        "campaigns.CouponTemplate",
        on_delete=models.CASCADE,
        related_name="tallies",
        db_index=False,
    )
    whose = models.CharField(max_length=80, db_collation="C")
    period = models.CharField(max_length=10, db_collation="C")
    used = models.PositiveIntegerField()
    #: The limit when it was last counted.
    most = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("tally of uses")
        verbose_name_plural = _("tallies of uses")
        constraints = [
            models.UniqueConstraint(
                fields=["template", "whose", "period"],
                name="use_tally_once_per_whom",
            ),
            models.CheckConstraint(
                condition=Q(used__lte=F("most")), name="use_tally_is_within_limit"
            ),
        ]
        indexes = [models.Index(fields=["whose"], name="use_tally_of_whom")]

    def __str__(self):
        return f"{self.whose} {self.period}: {self.used}/{self.most}"


class Budget(models.Model):
    """Money that reductions may cost in all (C22).

    ``reserved`` is promised to orders that are not paid yet, ``spent`` is what paid
    orders took. Their sum never exceeds the budget, whoever writes.
    """

    public_id = PublicIdField(prefix="bgt")
    name = models.CharField(_("name"), max_length=120)
    amount_minor = models.BigIntegerField(_("budget"))
    reserved_minor = models.BigIntegerField(
        _("reserved"), default=0, db_default=0, editable=False
    )
    spent_minor = models.BigIntegerField(
        _("spent"), default=0, db_default=0, editable=False
    )

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0)
                & Q(reserved_minor__gte=0)
                & Q(spent_minor__gte=0),
                name="budget_amounts_are_not_negative",
                violation_error_message=_("A budget is more than nothing."),
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=F("reserved_minor") + F("spent_minor")),
                name="budget_is_never_exceeded",
                violation_error_message=_(
                    "More than this is reserved and spent already."
                ),
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def left_minor(self) -> int:
        """Return what is neither reserved nor spent."""
        return self.amount_minor - self.reserved_minor - self.spent_minor


class BuyerMark(models.Model):
    """Who paid for an order, as far as counts of first orders need to know (C12).

    ``whose`` is written as in ``UseTally``: a guest, or somebody who left and joined
    again, is recognised by phone or e-mail, and nobody can be read from it.
    """

    order = models.ForeignKey(
        "orders.Order", on_delete=models.CASCADE, related_name="+"
    )
    whose = models.CharField(max_length=80, db_collation="C")

    class Meta:
        verbose_name = _("mark of a buyer")
        verbose_name_plural = _("marks of buyers")
        constraints = [
            models.UniqueConstraint(
                fields=["whose", "order"], name="buyer_mark_once_per_order"
            )
        ]

    def __str__(self):
        return self.whose


class FirstOrder(models.Model):
    """Which order has the advantages of a first one, by every name of its buyer (C12).

    ``whose`` is written as in ``UseTally``. The order may be unpaid; once it came to
    nothing another one takes its place.
    """

    whose = models.CharField(max_length=80, db_collation="C")
    order = models.ForeignKey(
        "orders.Order", on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        verbose_name = _("first order")
        verbose_name_plural = _("first orders")
        constraints = [
            models.UniqueConstraint(fields=["whose"], name="first_order_once_per_name")
        ]

    def __str__(self):
        return self.whose

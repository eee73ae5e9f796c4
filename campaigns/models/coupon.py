"""Coupons: what is promised (template) and who holds it (coupon)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual
from crm.shared.public_ids import PublicIdField
from orders.models import AppliedOffer


class CouponTemplate(Bilingual, models.Model):
    """Terms of a coupon. Coupons copy them when issued (C23)."""

    class Kind(models.TextChoices):
        """What the coupon takes off."""

        AMOUNT = "amount", _("fixed amount")
        PERCENT = "percent", _("percentage")

    class State(models.TextChoices):
        """Only live templates are issued and claimed."""

        DRAFT = "draft", _("draft")
        LIVE = "live", _("live")
        ENDED = "ended", _("ended")

    public_id = PublicIdField(prefix="cpt")
    code = models.SlugField(
        _("code"), max_length=40, unique=True, help_text=_("Name for rules and seeds.")
    )
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DRAFT
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    amount_minor = models.BigIntegerField(_("amount off"), default=0)
    percent_bp = models.PositiveIntegerField(
        _("percentage off"),
        default=0,
        help_text=_("In basis points: 2000 means 20 percent off."),
    )
    cap_minor = models.BigIntegerField(
        _("at most"), null=True, blank=True, help_text=_("Cap of a percentage.")
    )
    min_spend_minor = models.BigIntegerField(_("from a spend of"), default=0)
    valid_days = models.PositiveSmallIntegerField(
        _("valid for days"), default=30, help_text=_("To the end of that day (C3).")
    )
    returns = models.BooleanField(
        _("comes back after a full refund"), default=True, help_text=_("See C10.")
    )
    on_return = models.CharField(
        _("on partial return"),
        max_length=10,
        choices=AppliedOffer.OnReturn,
        default=AppliedOffer.OnReturn.KEEP,
        db_default=AppliedOffer.OnReturn.KEEP,
        help_text=_(
            "Price again: what is kept is priced under the offers of that day."
        ),
    )
    is_claimable = models.BooleanField(_("in the claim centre"), default=False)
    stock = models.PositiveIntegerField(_("coupons in all"), null=True, blank=True)
    issued = models.PositiveIntegerField(_("issued"), default=0)
    per_member_limit = models.PositiveSmallIntegerField(_("per member"), default=1)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    #: Issued to a member who reaches the tier of this code.
    for_tier = models.SlugField(
        _("on reaching tier"), max_length=40, blank=True, default=""
    )

    for_new_members = models.BooleanField(
        _("for new members"),
        default=False,
        help_text=_("Issued to everybody who joins, once."),
    )

    class Meta:
        verbose_name = _("coupon template")
        verbose_name_plural = _("coupon templates")
        constraints = [
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(issued__lte=F("stock")),
                name="coupon_template_issued_is_within_stock",
            ),
            models.CheckConstraint(
                condition=Q(kind="amount", amount_minor__gt=0)
                | Q(kind="percent", percent_bp__gt=0, percent_bp__lte=10000),
                name="coupon_template_takes_something_off",
                violation_error_message=_(
                    "Give the amount off, or the percentage off, that fits the kind."
                ),
            ),
        ]

    def __str__(self):
        return self.label


class Coupon(models.Model):
    """One coupon of one member. States and moves as in C1."""

    class State(models.TextChoices):
        """available -> held -> used; see ``campaigns.rules.coupons``."""

        AVAILABLE = "available", _("available")
        HELD = "held", _("held by an order")
        USED = "used", _("used")
        EXPIRED = "expired", _("expired")
        REVOKED = "revoked", _("revoked")

    public_id = PublicIdField(prefix="cpn")
    template = models.ForeignKey(
        CouponTemplate,
        on_delete=models.PROTECT,
        related_name="coupons",
        verbose_name=_("coupon template"),
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="coupons",
        verbose_name=_("member"),
    )
    code = models.CharField(_("code"), max_length=24, unique=True, db_collation="C")
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.AVAILABLE
    )
    #: Terms as promised at issue: kind, amount, percent, cap, minimum, names.
    terms = models.JSONField(_("terms"))
    #: Why it was issued, such as ``tier:gold:2026``; once per member and template.
    source = models.CharField(_("source"), max_length=80)
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("order"),
    )
    issued_at = models.DateTimeField(_("issued at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            models.UniqueConstraint(
                fields=["template", "member", "source"], name="coupon_once_per_source"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["held", "used"]) | Q(order__isnull=False),
                name="coupon_held_or_used_names_its_order",
            ),
        ]
        indexes = [
            models.Index(
                fields=["member", "state", "expires_at"], name="coupon_wallet"
            ),
            models.Index(fields=["-issued_at", "-id"], name="coupon_newest_first"),
        ]

    def __str__(self):
        return self.public_id

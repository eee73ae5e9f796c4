"""Coupons: what is promised (template) and who holds it (coupon)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual
from crm.shared.public_ids import PublicIdField
from orders.models import AppliedOffer


class CouponTemplate(Bilingual, models.Model):
    """Terms of a coupon. Coupons copy them when issued (C23).

    ``version`` counts the changes of what it promises; a trigger keeps it, whoever
    writes. Limits count holds and uses (C8); null is no limit.
    """

    class Kind(models.TextChoices):
        """What the coupon takes off."""

        AMOUNT = "amount", _("fixed amount")
        PERCENT = "percent", _("percentage")

    class Period(models.TextChoices):
        """What a limit for a time counts by, in the shop's zone."""

        NONE = "", _("no period")
        DAY = "day", _("day")
        WEEK = "week", _("week, from Monday on")
        MONTH = "month", _("month")

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
        help_text=_("In percent: 20 means 20 percent off."),
    )
    cap_minor = models.BigIntegerField(
        _("at most"), null=True, blank=True, help_text=_("Cap of a percentage.")
    )
    min_spend_minor = models.BigIntegerField(_("from a spend of"), default=0)
    skips_discounted = models.BooleanField(
        _("not on what is reduced already"),
        default=False,
        db_default=False,
        help_text=_(
            "Goods at a sale, member or group price: nor do they count for the spend."
        ),
    )
    version = models.PositiveIntegerField(
        _("version"), default=1, db_default=1, editable=False
    )
    valid_days = models.PositiveSmallIntegerField(
        _("valid for days"), default=30, help_text=_("To the end of that day.")
    )
    valid_from = models.DateTimeField(_("usable from"), null=True, blank=True)
    valid_until = models.DateTimeField(
        _("usable until"),
        null=True,
        blank=True,
        help_text=_("A fixed end for everybody; it replaces the days."),
    )
    ends_with_campaign = models.BooleanField(
        _("ends with the campaign"),
        default=False,
        db_default=False,
        help_text=_("No coupon is valid beyond the end given here."),
    )
    returns = models.BooleanField(
        _("comes back after a full refund"),
        default=True,
        help_text=_("Part of a refund never brings it back."),
    )
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=0,
        db_default=0,
        help_text=_("If it expired before it comes back; 0 leaves it expired."),
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
    points_price = models.PositiveIntegerField(
        _("price in points"),
        null=True,
        blank=True,
        help_text=_("What claiming one costs; empty is nothing."),
    )
    is_transferable = models.BooleanField(
        _("may be given away"), default=False, db_default=False
    )
    for_first_order = models.BooleanField(
        _("for a first order only"),
        default=False,
        db_default=False,
        help_text=_("Of who has no paid order under any phone or e-mail."),
    )
    limit_total = models.PositiveIntegerField(_("uses in all"), null=True, blank=True)
    limit_member = models.PositiveSmallIntegerField(
        _("uses per member"), null=True, blank=True
    )
    period = models.CharField(
        _("period"),
        max_length=5,
        choices=Period,
        blank=True,
        default=Period.NONE,
        db_default="",
    )
    limit_period = models.PositiveIntegerField(
        _("uses in a period"), null=True, blank=True
    )
    limit_member_period = models.PositiveSmallIntegerField(
        _("uses per member in a period"), null=True, blank=True
    )
    budget = models.ForeignKey(
        "campaigns.Budget",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupon_templates",
        verbose_name=_("budget"),
    )
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
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_until__gt=F("valid_from")),
                name="coupon_template_is_usable_for_a_while",
                violation_error_message=_("It must be usable before it ends."),
            ),
            models.CheckConstraint(
                condition=Q(
                    Q(limit_total__isnull=True) | Q(limit_total__gt=0),
                    Q(limit_member__isnull=True) | Q(limit_member__gt=0),
                    Q(limit_period__isnull=True) | Q(limit_period__gt=0),
                    Q(limit_member_period__isnull=True) | Q(limit_member_period__gt=0),
                    Q(points_price__isnull=True) | Q(points_price__gt=0),
                ),
                name="coupon_template_limits_allow_something",
                violation_error_message=_("A limit or a price is at least 1."),
            ),
            models.CheckConstraint(
                condition=~Q(period="")
                | Q(limit_period__isnull=True, limit_member_period__isnull=True),
                name="coupon_template_names_the_period_of_its_limits",
                violation_error_message=_("Choose the period these limits are for."),
            ),
        ]

    def __str__(self):
        return self.label


class Coupon(models.Model):
    """One coupon of one member. States and moves as in C1.

    ``member`` is who has it now. Whoever gives it away stays ``issued_to``: that they
    got it, and why, is not undone by passing it on (C2, C24).
    """

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
        db_index=False,
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="coupons",
        verbose_name=_("member"),
        db_index=False,
    )
    issued_to = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("issued to"),
        db_index=False,
    )
    code = models.CharField(_("code"), max_length=24, unique=True, db_collation="C")
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.AVAILABLE
    )
    #: What was promised at issue; ``campaigns.rules.coupons.Terms``.
    terms = models.JSONField(_("terms"))
    #: Version of the template whose terms these are.
    template_version = models.PositiveIntegerField(
        _("version"), default=1, db_default=1
    )
    #: Promised with it: days of grace (C10), and whether it may be given away (C24).
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"), default=0, db_default=0
    )
    is_transferable = models.BooleanField(
        _("may be given away"), default=False, db_default=False
    )
    #: Its holder lets whoever brings the code have it.
    is_offered = models.BooleanField(_("given away"), default=False, db_default=False)
    #: Why it was issued, such as ``tier:gold:2026``; once per template and whom to.
    source = models.CharField(_("source"), max_length=80)
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("order"),
    )
    #: The word it was got by, where everybody uses the same one.
    public_code = models.ForeignKey(
        "campaigns.PublicCode",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("public code"),
    )
    #: The batch whose code it was got by; found by its template.
    batch = models.ForeignKey(
        "campaigns.CouponBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("batch of codes"),
        db_index=False,
    )
    #: What it takes off its order, and the budget that pays for it (C22).
    discount_minor = models.BigIntegerField(_("saving"), default=0, db_default=0)
    budget = models.ForeignKey(
        "campaigns.Budget",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("budget"),
    )
    #: Keys of the tallies that count its hold or use (C8).
    tallies = ArrayField(models.BigIntegerField(), default=list, blank=True)
    issued_at = models.DateTimeField(_("issued at"))
    usable_from = models.DateTimeField(_("usable from"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            models.UniqueConstraint(
                fields=["template", "issued_to", "source"],
                name="coupon_once_per_source",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["held", "used"]) | Q(order__isnull=False),
                name="coupon_held_or_used_names_its_order",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["held", "used"])
                | Q(discount_minor=0, budget__isnull=True, tallies=[]),
                name="coupon_counts_only_while_held_or_used",
            ),
        ]
        indexes = [
            models.Index(
                fields=["member", "state", "expires_at"], name="coupon_wallet"
            ),
            # Few: the others are found by the wallet of whom they were issued to.
            models.Index(
                fields=["issued_to"],
                name="coupon_given_away",
                condition=~Q(issued_to=F("member")),
            ),
            models.Index(fields=["-issued_at", "-id"], name="coupon_newest_first"),
            models.Index(
                fields=["expires_at"],
                name="coupon_available_by_end",
                condition=Q(state="available"),
            ),
            # For the list by state. What waits in wallets, most, is found at once.
            models.Index(
                fields=["state", "-issued_at", "-id"],
                name="coupon_rare_states",
                condition=~Q(state="available"),
            ),
        ]

    def __str__(self):
        return self.public_id

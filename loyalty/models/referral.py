"""Friends of friends: what bringing somebody is worth, and who brought whom."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class ReferralConversion(models.TextChoices):
    """What makes a friend count; see ``loyalty.rules.referrals``."""

    JOINING = "joining", _("joining")
    FIRST_ORDER = "first_order", _("first paid order")
    KEPT_ORDER = "kept_order", _("first order past its return window")


class ReferralProgram(models.Model):
    """What members get for bringing friends, and friends for coming: one row.

    What was promised when a friend joined is kept for that friend; milestones and the
    cap go by what stands here when a friend counts.
    """

    class CapPeriod(models.TextChoices):
        """How long the cap counts."""

        MONTH = "month", _("calendar month")
        YEAR = "year", _("calendar year")
        EVER = "ever", _("for ever")

    singleton = models.BooleanField(default=True, editable=False, unique=True)
    is_active = models.BooleanField(
        _("active"),
        default=False,
        help_text=_("Friends who join while this is off bring nothing."),
    )
    conversion = models.CharField(
        _("a friend counts by"),
        max_length=12,
        choices=ReferralConversion,
        default=ReferralConversion.KEPT_ORDER,
    )
    least_order_minor = models.PositiveIntegerField(
        _("least amount of that order"),
        default=0,
        help_text=_("What its goods cost after discounts."),
    )
    inviter_points = models.PositiveIntegerField(
        _("points for the inviter"), default=100
    )
    friend_points = models.PositiveIntegerField(_("points for the friend"), default=100)
    #: Coupon templates by their public ids; empty is no coupon.
    inviter_template = models.CharField(
        _("coupon for the inviter"), max_length=40, blank=True, db_default=""
    )
    friend_template = models.CharField(
        _("coupon for the friend"), max_length=40, blank=True, db_default=""
    )
    milestone_every = models.PositiveSmallIntegerField(
        _("milestone at every so many friends"),
        default=0,
        help_text=_("5 means the 5th, 10th, 15th …; 0 has no milestones."),
    )
    milestone_points = models.PositiveIntegerField(
        _("more points at a milestone"), default=0
    )
    cap_friends = models.PositiveIntegerField(
        _("most friends that bring points"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Per inviter and period; friends beyond still get their own."),
    )
    cap_period = models.CharField(
        _("period of that limit"),
        max_length=8,
        choices=CapPeriod,
        default=CapPeriod.MONTH,
    )
    velocity_friends = models.PositiveSmallIntegerField(
        _("suspicious beyond so many friends"),
        default=5,
        help_text=_("Within the hours below; 0 finds no number suspicious."),
    )
    velocity_hours = models.PositiveSmallIntegerField(
        _("within hours"), default=24, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("referral program")
        verbose_name_plural = _("referral program")
        constraints = [
            models.CheckConstraint(
                condition=Q(singleton=True), name="referral_program_is_the_only_one"
            ),
            models.CheckConstraint(
                condition=Q(cap_friends__isnull=True) | Q(cap_friends__gt=0),
                name="referral_program_cap_is_positive",
            ),
        ]

    def __str__(self):
        return str(self._meta.verbose_name)


class Referral(models.Model):
    """One friend brought by one member, with what was promised and what came of it.

    Both points accounts are locked before a row changes, the smaller id first.
    """

    class State(models.TextChoices):
        """Where it stands: a rewarded one can only be reversed."""

        WAITING = "waiting", _("waiting for the friend")
        HELD = "held", _("held for a look")
        REWARDED = "rewarded", _("rewarded")
        REJECTED = "rejected", _("rejected")
        REVERSED = "reversed", _("reversed")

    public_id = PublicIdField(prefix="rfl")
    inviter = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="referrals",
        verbose_name=_("inviter"),
        db_index=False,
    )
    friend = models.OneToOneField(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="referral",
        verbose_name=_("friend"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.WAITING
    )
    joined_at = models.DateTimeField(_("joined at"))
    #: As promised when the friend joined.
    conversion = models.CharField(
        _("a friend counts by"), max_length=12, choices=ReferralConversion
    )
    least_order_minor = models.PositiveIntegerField(_("least amount of that order"))
    inviter_points = models.PositiveIntegerField(_("points for the inviter"))
    friend_points = models.PositiveIntegerField(_("points for the friend"))
    inviter_template = models.CharField(
        _("coupon for the inviter"), max_length=40, blank=True, db_default=""
    )
    friend_template = models.CharField(
        _("coupon for the friend"), max_length=40, blank=True, db_default=""
    )
    #: The order that made the friend count; None for joining.
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("order"),
    )
    converted_at = models.DateTimeField(_("counted at"), null=True, blank=True)
    #: When it came into the state it is in.
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    #: Codes of ``loyalty.rules.referrals.SUSPICIONS``, and why a share was not given.
    reasons = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("reasons"),
        default=list,
        blank=True,
    )
    #: What was granted; taken back when it is reversed.
    inviter_given = models.PositiveIntegerField(_("given to the inviter"), default=0)
    friend_given = models.PositiveIntegerField(_("given to the friend"), default=0)
    #: Coupons that were issued, by their public ids; revoked unused with a reversal.
    inviter_coupon = models.CharField(
        _("coupon of the inviter"), max_length=40, blank=True, db_default=""
    )
    friend_coupon = models.CharField(
        _("coupon of the friend"), max_length=40, blank=True, db_default=""
    )
    #: Period of the cap in which it counts for the inviter; empty when it does not.
    counted_in = models.CharField(_("counts in"), max_length=8, blank=True)
    #: With how many friends this one reached a milestone that stands, and its points.
    milestone_at = models.PositiveIntegerField(_("milestone"), null=True, blank=True)
    milestone_points = models.PositiveIntegerField(
        _("points of the milestone"), default=0
    )

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        constraints = [
            models.CheckConstraint(
                condition=~Q(inviter=F("friend")), name="referral_is_of_somebody_else"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", converted_at__isnull=True)
                | (~Q(state="waiting") & Q(converted_at__isnull=False)),
                name="referral_waits_until_its_friend_counts",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["rewarded", "reversed"])
                | Q(
                    inviter_given=0,
                    friend_given=0,
                    counted_in="",
                    inviter_coupon="",
                    friend_coupon="",
                ),
                name="referral_gives_only_when_rewarded",
            ),
        ]
        indexes = [
            models.Index(fields=["-joined_at", "-id"], name="referral_newest_first"),
            models.Index(
                fields=["state", "-joined_at", "-id"], name="referral_by_state"
            ),
            models.Index(
                fields=["inviter", "-joined_at", "-id"], name="referral_by_inviter"
            ),
        ]

    def __str__(self):
        return self.public_id


class ReferralTally(models.Model):
    """How many friends brought one inviter points in one period: the cap's counter."""

    inviter = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    period = models.CharField(max_length=8, db_collation="C")
    friends = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("referral tally")
        verbose_name_plural = _("referral tallies")
        constraints = [
            models.UniqueConstraint(
                fields=["inviter", "period"], name="referral_tally_once_per_period"
            )
        ]

    def __str__(self):
        return f"{self.inviter_id} {self.period}: {self.friends}"

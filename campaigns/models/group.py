"""Group buying (团购): what is offered, the groups under way, and who sits in them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from campaigns.rules import groups
from crm.shared.bilingual import Bilingual
from crm.shared.money import display_amount
from crm.shared.public_ids import PublicIdField


class GroupDeal(Bilingual, models.Model):
    """A SKU that costs less when enough members buy it together.

    Its steps (``GroupRung``) say how many pay what. A group keeps what the deal said
    the day it was opened (G10).
    """

    class State(models.TextChoices):
        """Only a live deal opens groups.

        One that ended takes members where its groups may finish, a paused one nobody.
        """

        DRAFT = "draft", _("draft")
        LIVE = "live", _("live")
        PAUSED = "paused", _("paused")
        ENDED = "ended", _("ended")

    class NewMembers(models.TextChoices):
        """Which seats are for members without a paid order (G13)."""

        NOBODY = "", _("no seat")
        JOINERS = groups.JOINERS, _("all but the leader's")
        EVERYBODY = groups.EVERYBODY, _("every seat")

    public_id = PublicIdField(prefix="gdl")
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DRAFT
    )
    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("SKU"),
    )
    hours = models.PositiveSmallIntegerField(
        _("hours of a group"),
        default=24,
        help_text=_("How long a group has to come together."),
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    groups_may_finish = models.BooleanField(
        _("groups may finish"),
        default=False,
        help_text=_("Groups that are open when the deal ends keep their full time."),
    )
    one_open_group = models.BooleanField(
        _("one open group per member"),
        default=True,
        help_text=_("A member sits in one unfinished group of this deal at a time."),
    )
    new_members = models.CharField(
        _("seats for new members"),
        max_length=10,
        choices=NewMembers,
        default=NewMembers.NOBODY,
        blank=True,
        help_text=_("New is who has no paid order, or gave all of them back."),
    )
    leader_points = models.PositiveIntegerField(
        _("points for the leader"),
        default=0,
        db_default=0,
        help_text=_("For a group that succeeds; 0 is none."),
    )
    leader_coupon = models.ForeignKey(
        "campaigns.CouponTemplate",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon for the leader"),
    )
    leader_keeps = models.BooleanField(
        _("the leader keeps it"),
        default=False,
        db_default=False,
        help_text=_("Also when the leader's own order is given back."),
    )
    leader_waits = models.BooleanField(
        _("after the time for returns"),
        default=True,
        db_default=True,
        help_text=_(
            "It comes when nobody of the group can send goods back any more; "
            "otherwise when the group succeeds."
        ),
    )
    leader_shares = models.BooleanField(
        _("points by the seats that stay"),
        default=False,
        db_default=False,
        help_text=_(
            "Fewer seats than the first step wants bring so many points less; "
            "otherwise nothing at all."
        ),
    )
    #: Seats in all groups together, and how many of them are held or paid (G14).
    stock = models.PositiveIntegerField(_("seats in all"), null=True, blank=True)
    taken = models.PositiveIntegerField(_("taken"), default=0)

    class Meta:
        verbose_name = _("group deal")
        verbose_name_plural = _("group deals")
        constraints = [
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(taken__lte=F("stock")),
                name="group_deal_taken_is_within_stock",
                violation_error_message=_("More seats than that are taken already."),
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="group_deal_ends_after_it_starts",
                violation_error_message=_("It must end after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(hours__range=(1, 720)),
                name="group_deal_hours_are_sane",
                violation_error_message=_("Give a group between 1 and 720 hours."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "starts_at", "ends_at"], name="group_deal_live"
            )
        ]

    def __str__(self):
        return self.label

    @property
    def leader_reward(self) -> dict[str, int | bool | None]:
        """Return what a group promises its leader (G16); empty is nothing.

        For all of it ``seats`` must stay, as many as the first step wants.
        """
        rungs = self.rungs.all()
        if not rungs or not (self.leader_points or self.leader_coupon_id):
            return {}
        return {
            "points": self.leader_points,
            "coupon": self.leader_coupon_id,
            "keeps": self.leader_keeps,
            "waits": self.leader_waits,
            "shares": self.leader_shares,
            "seats": rungs[0].size,
        }


class GroupRung(models.Model):
    """So many members pay so much each; see ``campaigns.rules.groups``."""

    deal = models.ForeignKey(
        GroupDeal, on_delete=models.CASCADE, related_name="rungs", db_index=False
    )
    size = models.PositiveSmallIntegerField(_("members"))
    price_minor = models.BigIntegerField(_("price of each"))

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["size"]
        constraints = [
            models.UniqueConstraint(
                fields=["deal", "size"], name="group_rung_once_per_size"
            ),
            models.CheckConstraint(
                condition=Q(size__range=(2, 500)) & Q(price_minor__gt=0),
                name="group_rung_is_sane",
                violation_error_message=_(
                    "A group has 2 to 500 members, who pay something."
                ),
            ),
        ]

    def __str__(self):
        return (
            f"{self.size}: {display_amount(self.price_minor, settings.SHOP_CURRENCY)}"
        )


class Group(models.Model):
    """Members who buy together before a deadline.

    ``held`` and ``paid`` count its live seats while it is under way, and stay as they
    were when it ends. It becomes visible when its leader has paid (G1).
    """

    class State(models.TextChoices):
        """opening -> open -> succeeded or failed; closed when nobody is left (G8)."""

        OPENING = "opening", _("the leader has not paid yet")
        OPEN = "open", _("open")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CLOSED = "closed", _("closed")

    #: Nothing is decided yet.
    UNDER_WAY = (State.OPENING, State.OPEN)

    public_id = PublicIdField(prefix="grp")
    deal = models.ForeignKey(
        GroupDeal,
        on_delete=models.PROTECT,
        related_name="groups",
        verbose_name=_("group deal"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.OPENING
    )
    #: What is bought, in which time and by whom, as the deal said when it was opened
    #: (G10); ``rungs`` are its steps, ``[[size, price_minor], …]``.
    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("SKU"),
    )
    hours = models.PositiveSmallIntegerField(_("hours of a group"))
    new_members = models.CharField(
        _("seats for new members"),
        max_length=10,
        choices=GroupDeal.NewMembers,
        default=GroupDeal.NewMembers.NOBODY,
        blank=True,
    )
    rungs = models.JSONField(_("steps"))
    #: What its leader was promised that day, as ``GroupDeal.leader_reward``.
    reward = models.JSONField(_("reward of the leader"), default=dict, blank=True)
    #: Its leader was promised something, and what comes of it is not decided yet.
    awaits_reward = models.BooleanField(
        _("reward to be decided"), default=False, db_default=False
    )
    #: How many seats there are: the size of the last step.
    size = models.PositiveSmallIntegerField(_("seats"))
    held = models.PositiveSmallIntegerField(_("held"), default=0)
    paid = models.PositiveSmallIntegerField(_("paid"), default=0)
    #: What everybody pays in the end (G11); None before.
    price_minor = models.BigIntegerField(_("price"), null=True, blank=True)
    #: Successful by a decision of the shop; members are told so (G12).
    completed_by_shop = models.BooleanField(_("completed by the shop"), default=False)
    created_at = models.DateTimeField(_("created at"))
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"))
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("buying group")
        verbose_name_plural = _("buying groups")
        constraints = [
            models.CheckConstraint(
                condition=Q(size__gte=F("held") + F("paid")),
                name="group_seats_are_within_size",
            ),
            models.CheckConstraint(
                condition=Q(state="succeeded", price_minor__isnull=False)
                | (~Q(state="succeeded") & Q(price_minor__isnull=True)),
                name="group_succeeded_has_its_price",
            ),
            models.CheckConstraint(
                condition=Q(awaits_reward=False) | Q(state="succeeded"),
                name="group_awaits_a_reward_after_success",
            ),
        ]
        indexes = [
            models.Index(
                fields=["deadline_at"],
                name="group_under_way_by_deadline",
                condition=Q(state__in=["opening", "open"]),
            ),
            models.Index(
                fields=["deal", "deadline_at"],
                name="group_open_by_deal",
                condition=Q(state="open"),
            ),
            models.Index(
                fields=["id"],
                name="group_awaiting_a_reward",
                condition=Q(awaits_reward=True),
            ),
            models.Index(fields=["-created_at", "-id"], name="group_newest_first"),
        ]

    def __str__(self):
        return self.public_id


class Seat(models.Model):
    """One member's place in a group, and the order that pays for it."""

    class State(models.TextChoices):
        """held -> paid; see ``campaigns.services.seats`` for the ways out."""

        HELD = "held", _("held till it is paid")
        PAID = "paid", _("paid")
        LEFT = "left", _("left")
        LOST = "lost", _("not paid in time")
        REFUNDED = "refunded", _("given back")

    #: Takes up room in its group.
    LIVE = (State.HELD, State.PAID)

    public_id = PublicIdField(prefix="seat")
    group = models.ForeignKey(
        Group,
        on_delete=models.PROTECT,
        related_name="seats",
        verbose_name=_("buying group"),
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="seats",
        verbose_name=_("member"),
        db_index=False,
    )
    order = models.OneToOneField(
        "orders.Order",
        on_delete=models.PROTECT,
        related_name="seat",
        verbose_name=_("order"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.HELD
    )
    is_leader = models.BooleanField(_("leader"), default=False)
    #: Fixed when the seat was taken (G10); what is paid beyond the group's price in
    #: the end goes back (G11).
    price_minor = models.BigIntegerField(_("price"))
    taken_at = models.DateTimeField(_("taken at"))
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("given up at"), null=True, blank=True)

    class Meta:
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        constraints = [
            models.UniqueConstraint(
                fields=["group", "member"],
                name="seat_once_per_member",
                condition=Q(state__in=["held", "paid"]),
            ),
            models.UniqueConstraint(
                fields=["group"],
                name="seat_one_leader_per_group",
                condition=Q(is_leader=True),
            ),
            models.CheckConstraint(
                condition=Q(price_minor__gt=0), name="seat_price_is_positive"
            ),
        ]
        indexes = [models.Index(fields=["member", "-taken_at"], name="seat_by_member")]

    def __str__(self):
        return self.public_id

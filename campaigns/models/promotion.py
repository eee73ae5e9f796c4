"""Automatic reductions: what is offered, what was published, what orders used."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.rules.promotion_life import phase
from campaigns.rules.recipes_making import most_units
from crm.shared.bilingual import Bilingual
from crm.shared.public_ids import PublicIdField
from orders.models import AppliedOffer


class Promotion(Bilingual, models.Model):
    """An offer that applies by itself, of one of the kinds of the gallery.

    ``recipe`` is read strictly by ``campaigns.rules.recipes_reading``. What is live is
    not edited: a change is a draft of its own (``changes``) until it is published.
    """

    class Kind(models.TextChoices):
        """The keys of ``campaigns.rules.recipes.KINDS``."""

        SPEND_LADDER = "spend_ladder", _("spend and save, by steps")
        SPEND_EVERY = "spend_every", _("spend and save, again and again")
        PERCENT = "percent", _("percentage off")
        AMOUNT = "amount", _("amount off")
        ONE_PRICE = "one_price", _("one price for each")
        BUY_GET = "buy_get", _("buy some, get some")
        NTH_ITEM = "nth_item", _("cheaper second item")
        CHEAPEST_FREE = "cheapest_free", _("cheapest one free")
        BUNDLE = "bundle", _("any few for one price")
        GIFT = "gift", _("gift with the order")
        FREE_FREIGHT = "free_freight", _("free delivery")
        MEMBER_PRICE = "member_price", _("price for members")
        FLASH_PRICE = "flash_price", _("flash price")

    class State(models.TextChoices):
        """Only live promotions are offered, within their time."""

        DRAFT = "draft", _("draft")
        WAITING = "waiting", _("waiting for approval")
        LIVE = "live", _("live")
        PAUSED = "paused", _("paused")
        ENDED = "ended", _("ended")

    #: In these it can be edited; in the others its revisions say what it was.
    UNPUBLISHED = (State.DRAFT, State.WAITING)

    public_id = PublicIdField(prefix="prm")
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DRAFT
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    recipe = models.JSONField(_("what it gives, and when"))
    priority = models.SmallIntegerField(
        _("priority"), default=0, help_text=_("The highest goes first.")
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
    #: At most one promotion of a group applies to an order (S4).
    exclusive_group = models.CharField(
        _("exclusive group"),
        max_length=40,
        blank=True,
        default="order",
        help_text=_("Of promotions of one group a buyer gets the best one only."),
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    limit_total = models.PositiveIntegerField(_("uses in all"), null=True, blank=True)
    used = models.PositiveIntegerField(_("used"), default=0)
    #: Of a flash price: so many units get it, whoever buys them (S21).
    limit_units = models.PositiveIntegerField(
        _("pieces at this price"), null=True, blank=True
    )
    #: So many of them for one member; a visitor's order counts by itself.
    limit_member_units = models.PositiveIntegerField(
        _("pieces for each member"), null=True, blank=True
    )
    used_units = models.PositiveIntegerField(
        _("pieces taken"), default=0, db_default=0, editable=False
    )
    budget = models.ForeignKey(
        "campaigns.Budget",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="promotions",
        verbose_name=_("budget"),
        help_text=_("Orders reserve what it takes off; without money left it is over."),
    )
    #: What it would change once it is published; such a draft is never live itself.
    changes = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    #: Number of the revision that is published; 0 is none.
    revision = models.PositiveIntegerField(_("revision"), default=0, db_default=0)
    #: The last time somebody asked for a second person to agree.
    approval = models.ForeignKey(
        "shared.Approval",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        permissions = [("publish_promotion", "Can publish and stop promotions")]
        constraints = [
            models.CheckConstraint(
                condition=Q(limit_total__isnull=True) | Q(used__lte=F("limit_total")),
                name="promotion_used_is_within_limit",
            ),
            models.CheckConstraint(
                condition=Q(limit_units__isnull=True)
                | Q(kind="flash_price", used_units__lte=F("limit_units")),
                name="promotion_used_units_are_within_limit",
            ),
            models.CheckConstraint(
                condition=Q(limit_member_units__isnull=True) | Q(kind="flash_price"),
                name="promotion_pieces_are_of_a_flash_price",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="promotion_ends_after_it_starts",
                violation_error_message=_("A promotion ends after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(changes__isnull=True) | Q(state__in=["draft", "waiting"]),
                name="promotion_change_is_never_live",
            ),
            models.UniqueConstraint(
                fields=["changes"], name="promotion_has_one_change_at_a_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "starts_at", "ends_at"], name="promotion_live"
            )
        ]

    def __str__(self):
        return self.label

    @property
    def most_units(self) -> int | None:
        """The most units that one order gets at its price; None is no limit."""
        return most_units(self.limit_units, self.limit_member_units)

    @property
    def is_editable(self) -> bool:
        """Whether its own form may change it."""
        return self.state == self.State.DRAFT

    def phase(self, at: datetime) -> str:
        """Return where it stands at a moment; see ``rules.promotion_life.PHASES``."""
        return phase(self.state, starts_at=self.starts_at, ends_at=self.ends_at, at=at)


class PromotionRevision(models.Model):
    """What a promotion was from one publication to the next. Append only."""

    promotion = models.ForeignKey(
        Promotion,
        on_delete=models.PROTECT,
        related_name="revisions",
        db_index=False,
    )
    number = models.PositiveIntegerField(_("revision"))
    kind = models.CharField(_("kind"), max_length=20, choices=Promotion.Kind)
    recipe = models.JSONField(_("what it gives, and when"))
    #: Name, times, limits, and its place among the others: the other fields.
    terms = models.JSONField(_("terms"))
    author = models.CharField(_("author"), max_length=80)
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        verbose_name = _("revision of a promotion")
        verbose_name_plural = _("revisions of promotions")
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "number"], name="promotion_revision_once"
            )
        ]

    def __str__(self):
        return f"{self.promotion_id} · {self.number}"


class PromotionUse(models.Model):
    """One order that a promotion lowered, and what became of that (S21, C22)."""

    class State(models.TextChoices):
        """Held until paid; freed where no purchase came of it.

        What went back altogether is returned: it costs nothing, and counts on.
        """

        HELD = "held", _("held")
        SPENT = "spent", _("spent")
        FREED = "freed", _("freed")
        RETURNED = "returned", pgettext_lazy("use of a promotion", "returned")

    promotion = models.ForeignKey(
        Promotion,
        on_delete=models.PROTECT,
        related_name="uses",
        db_index=False,
    )
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.HELD
    )
    amount_minor = models.BigIntegerField(_("amount"))
    #: Of goods that it lowered; those of a limited price are counted by this.
    units = models.PositiveIntegerField(_("pieces"), default=0, db_default=0)
    #: The budget that paid, whatever the promotion's is by now.
    budget = models.ForeignKey(
        "campaigns.Budget", on_delete=models.PROTECT, null=True, related_name="+"
    )
    taken_at = models.DateTimeField(_("taken at"))

    class Meta:
        verbose_name = _("use of a promotion")
        verbose_name_plural = _("uses of promotions")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "promotion"], name="promotion_use_once_per_order"
            )
        ]
        indexes = [
            models.Index(fields=["promotion", "taken_at"], name="promotion_use_in_time")
        ]

    def __str__(self):
        return f"{self.promotion_id} · {self.order_id}"


class PromotionVersion(models.Model):
    """A mark that changes whenever what promotions offer does: one row.

    Written by a trigger on the table of promotions, so whoever changes one changes
    it, in the same transaction. Never the same mark twice, also after a rollback.
    Uses are counted without changing it, until the last one is taken or comes back;
    so are drafts written. Units of a limited price never change it: how many are left
    is read with each quote.
    """

    singleton = models.BooleanField(default=True, editable=False, unique=True)
    version = models.UUIDField(editable=False)

    class Meta:
        verbose_name = _("version of promotions")
        verbose_name_plural = _("versions of promotions")
        constraints = [
            models.CheckConstraint(
                condition=Q(singleton=True), name="promotion_version_is_the_only_one"
            )
        ]

    def __str__(self):
        return str(self.version)

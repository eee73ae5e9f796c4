"""What buyers say about what they bought."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField
from orders.rules.reviews import LONGEST_REPLY, LONGEST_TEXT, MOST_PICTURES


class Review(models.Model):
    """One review of one order line, shown once a moderator has published it.

    Words are encrypted: what people write may name people. While it is published, its
    rating counts in ``Product.rating_sum`` and ``rating_count``.
    """

    class State(models.TextChoices):
        """See ``orders.rules.reviews`` for the allowed moves."""

        PENDING = "pending", _("to moderate")
        PUBLISHED = "published", _("published")
        REJECTED = "rejected", _("rejected")

    public_id = PublicIdField(prefix="rev")
    order_line = models.OneToOneField(
        "orders.OrderLine",
        on_delete=models.PROTECT,
        related_name="review",
        verbose_name=_("order line"),
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="reviews",
        verbose_name=_("member"),
        db_index=False,
    )
    product = models.ForeignKey(
        "orders.Product",
        on_delete=models.PROTECT,
        related_name="reviews",
        verbose_name=_("product"),
    )
    rating = models.PositiveSmallIntegerField(
        _("rating"), validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    text = EncryptedTextField(_("text"), max_length=LONGEST_TEXT, null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.PENDING
    )
    #: Why it was rejected; the author reads it.
    verdict = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("written at"))
    edited_at = models.DateTimeField(_("changed at"), null=True, blank=True)
    follow_up = EncryptedTextField(
        _("follow-up"), max_length=LONGEST_TEXT, null=True, blank=True
    )
    followed_up_at = models.DateTimeField(_("followed up at"), null=True, blank=True)
    reply = EncryptedTextField(
        _("reply"), max_length=LONGEST_REPLY, null=True, blank=True
    )
    replied_at = models.DateTimeField(_("replied at"), null=True, blank=True)
    helpful_count = models.PositiveIntegerField(_("found helpful by"), default=0)
    #: Points were given for it: whoever reads it is told.
    is_rewarded = models.BooleanField(_("rewarded"), default=False)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__range=(1, 5)), name="review_has_one_to_five_stars"
            ),
        ]
        indexes = [
            models.Index(
                fields=["product", "-created_at", "-id"],
                condition=Q(state="published"),
                name="review_newest_of_product",
            ),
            models.Index(
                fields=["product", "-helpful_count", "-id"],
                condition=Q(state="published"),
                name="review_most_helpful",
            ),
            models.Index(fields=["state", "created_at"], name="review_queue"),
            models.Index(fields=["member", "-created_at"], name="review_by_member"),
        ]

    def __str__(self):
        return self.public_id

    @property
    def was_returned(self) -> bool:
        """Whether every unit was given back since; the review stays (R20)."""
        return self.order_line.refunded_quantity >= self.order_line.quantity


class ReviewPicture(models.Model):
    """One picture of a review: a bare WebP, in the database like the review itself."""

    public_id = PublicIdField(prefix="rpi")
    review = models.ForeignKey(
        Review,
        on_delete=models.CASCADE,
        related_name="pictures",
        db_index=False,
    )
    position = models.PositiveSmallIntegerField(_("position"))
    webp = models.BinaryField(_("picture"))

    class Meta:
        verbose_name = _("picture of a review")
        verbose_name_plural = _("pictures of reviews")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "position"], name="review_picture_once_per_position"
            ),
            # With the constraint above this is the limit.
            models.CheckConstraint(
                condition=Q(position__lt=MOST_PICTURES),
                name="review_pictures_are_limited",
            ),
        ]

    def __str__(self):
        return self.public_id


class ReviewVote(models.Model):
    """Somebody found a review helpful."""

    review = models.ForeignKey(
        Review, on_delete=models.CASCADE, related_name="votes", db_index=False
    )
    member = models.ForeignKey(
        "members.Member", on_delete=models.CASCADE, related_name="review_votes"
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("helpful vote")
        verbose_name_plural = _("helpful votes")
        constraints = [
            models.UniqueConstraint(
                fields=["review", "member"], name="review_vote_once_per_member"
            )
        ]

    def __str__(self):
        return f"{self.review_id} {self.member_id}"

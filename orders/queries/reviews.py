"""Reviews as readers, their authors and the shop see them."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet

from orders.models import OrderLine, Product, Review, ReviewPicture
from orders.rules.reviews import REVIEWABLE, average_bp

_HAS_PICTURES = Exists(ReviewPicture.objects.filter(review=OuterRef("pk")))


@dataclass(frozen=True, slots=True)
class RatingSummary:
    """How a product is rated; ``stars`` counts published reviews by rating."""

    count: int
    #: In hundredths of a star; None without any review.
    average_bp: int | None
    stars: dict[int, int]
    with_pictures: int


def published_reviews(
    *, product: Product, rating: int | None = None, with_pictures: bool = False
) -> QuerySet[Review]:
    """Return what readers see of a product, in two statements a page.

    Args:
        rating: only reviews with so many stars.
        with_pictures: only reviews that show something.
    """
    shown = _told(product.reviews.filter(state=Review.State.PUBLISHED))
    if rating is not None:
        shown = shown.filter(rating=rating)
    return shown.filter(_HAS_PICTURES) if with_pictures else shown


def rating_summary(*, product: Product) -> RatingSummary:
    """Return the figures above the reviews of a product, in one statement."""
    shown = product.reviews.filter(state=Review.State.PUBLISHED)
    figures = shown.aggregate(
        with_pictures=Count("pk", filter=_HAS_PICTURES),
        **{f"s{stars}": Count("pk", filter=Q(rating=stars)) for stars in range(1, 6)},
    )
    return RatingSummary(
        count=product.rating_count,
        average_bp=average_bp(product.rating_sum, product.rating_count),
        stars={stars: figures[f"s{stars}"] for stars in range(1, 6)},
        with_pictures=figures["with_pictures"],
    )


def reviews_of(*, member_id: int) -> QuerySet[Review]:
    """Return what a member has written, whatever became of it."""
    return _told(Review.objects.filter(member_id=member_id))


def lines_to_review(*, member_id: int) -> QuerySet[OrderLine]:
    """Return goods that reached the member and that nothing was said about."""
    return (
        OrderLine.objects.filter(
            order__member_id=member_id,
            order__state__in=REVIEWABLE,
            kind=Product.Kind.GOODS,
            review__isnull=True,
            refunded_quantity__lt=F("quantity"),
        )
        .select_related("order", "variant__product")
        .order_by("-order__placed_at", "-pk")
    )


def reviewed_orders(order_ids: Collection[int]) -> set[int]:
    """Return which of some orders have no goods left to review (已评价)."""
    counted = (
        OrderLine.objects.filter(order_id__in=order_ids, kind=Product.Kind.GOODS)
        .values_list("order_id")
        .annotate(lines=Count("pk"), said=Count("review"))
        .order_by()
    )
    return {order_id for order_id, lines, said in counted if lines == said}


def _told(reviews: QuerySet[Review]) -> QuerySet[Review]:
    """Add author, line and the addresses of pictures, not the pictures themselves."""
    return reviews.select_related(
        "member", "order_line__order", "order_line__variant__product"
    ).prefetch_related(Prefetch("pictures", ReviewPicture.objects.defer("webp")))

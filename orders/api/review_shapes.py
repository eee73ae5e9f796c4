"""Reviews as the storefront API gives them."""

from rest_framework import serializers

from orders.api.serializers import ProductReference
from orders.models import OrderLine, Review
from orders.queries.reviews import RatingSummary
from orders.rules.reviews import byline


class ReviewPictureShape(serializers.Serializer):
    """A picture: ``GET /reviews/{review}/pictures/{id}`` gives the file."""

    id = serializers.CharField()


class ReviewShape(serializers.Serializer):
    """A published review; ``author`` is masked, empty for a former member."""

    id = serializers.CharField(source="public_id")
    author = serializers.SerializerMethodField()
    rating = serializers.IntegerField()
    text = serializers.CharField(allow_null=True)
    option = serializers.CharField(source="order_line.variant.option")
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    follow_up = serializers.CharField(allow_null=True)
    followed_up_at = serializers.DateTimeField(allow_null=True)
    reply = serializers.CharField(allow_null=True)
    replied_at = serializers.DateTimeField(allow_null=True)
    pictures = serializers.SerializerMethodField()
    helpful_count = serializers.IntegerField()
    was_returned = serializers.BooleanField()
    is_rewarded = serializers.BooleanField()

    def get_author(self, review: Review) -> str:
        """Return the masked nickname."""
        return byline(review.member.nickname or review.member.name)

    def get_pictures(self, review: Review) -> ReviewPictureShape(many=True):
        """Return the ids of its pictures in their order."""
        return [{"id": picture.public_id} for picture in review.pictures.all()]


class MyReviewShape(ReviewShape):
    """One's own review, with what became of it."""

    status = serializers.CharField(source="state")
    verdict = serializers.CharField()
    order = serializers.CharField(source="order_line.order.public_id")
    position = serializers.IntegerField(source="order_line.position")
    product = serializers.SerializerMethodField()

    def get_product(self, review: Review) -> ProductReference:
        """Return which product it is about."""
        product = review.order_line.variant.product
        return {"id": product.public_id, "name": product.label}


class LineToReviewShape(serializers.Serializer):
    """Goods that can be reviewed: POST to the review of this order and position."""

    order = serializers.CharField(source="order.public_id")
    position = serializers.IntegerField()
    product = serializers.SerializerMethodField()
    sku = serializers.CharField()
    placed_at = serializers.DateTimeField(source="order.placed_at")

    def get_product(self, line: OrderLine) -> ProductReference:
        """Return which product it is."""
        return {"id": line.variant.product.public_id, "name": line.name}


class RatingSummaryShape(serializers.Serializer):
    """How a product is rated: ``average`` such as ``"4.67"``, counts by stars."""

    count = serializers.IntegerField()
    average = serializers.SerializerMethodField()
    stars = serializers.DictField(child=serializers.IntegerField())
    with_pictures = serializers.IntegerField()

    def get_average(self, summary: RatingSummary) -> str | None:
        """Return the mean with two decimals."""
        mean = summary.average_bp
        return None if mean is None else f"{mean // 100}.{mean % 100:02d}"

"""Reviews: read by everybody, written by whom the goods have reached."""

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.paging import CursorPage
from crm.shared.pictures import WEBP, PictureParser, picture_response
from crm.shared.strict import StrictQueryMixin, StrictSerializer
from members.authentication import IsMember
from orders.api.review_shapes import (
    LineToReviewShape,
    MyReviewShape,
    RatingSummaryShape,
    ReviewPictureShape,
    ReviewShape,
)
from orders.models import OrderLine, Product, Review, ReviewPicture
from orders.queries.catalogue import on_sale
from orders.queries.reviews import (
    lines_to_review,
    published_reviews,
    rating_summary,
    reviews_of,
)
from orders.rules.reviews import LONGEST_TEXT
from orders.services.reviewing import (
    add_review_picture,
    edit_review,
    find_helpful,
    find_not_helpful,
    follow_up_review,
    remove_review_picture,
    withdraw_review,
    write_review,
)

_SORTS = {"newest": ("-created_at", "-id"), "helpful": ("-helpful_count", "-id")}


class NewReview(StrictSerializer):
    """One to five stars, and words if the buyer has any."""

    rating = serializers.IntegerField(min_value=1, max_value=5)
    text = serializers.CharField(
        max_length=LONGEST_TEXT, required=False, default="", allow_blank=True
    )


class ReviewPatch(StrictSerializer):
    """What is changed of a review."""

    rating = serializers.IntegerField(min_value=1, max_value=5, required=False)
    text = serializers.CharField(
        max_length=LONGEST_TEXT, required=False, allow_blank=True
    )


class FollowUp(StrictSerializer):
    """What turned out later."""

    text = serializers.CharField(max_length=LONGEST_TEXT)


class ReviewQuery(StrictSerializer):
    """Which reviews of a product, and in which order."""

    rating = serializers.IntegerField(min_value=1, max_value=5, required=False)
    with_pictures = serializers.BooleanField(required=False, default=False)
    sort = serializers.ChoiceField(
        choices=sorted(_SORTS), required=False, default="newest"
    )


def _listed(public_id: str) -> Product:
    product = on_sale().filter(public_id=public_id).first()
    if product is None:
        raise Http404
    return product


@extend_schema_view(
    get=extend_schema(operation_id="products_reviews_list", parameters=[ReviewQuery])
)
class ProductReviews(StrictQueryMixin, generics.ListAPIView):
    """GET the published reviews of a product."""

    permission_classes = [AllowAny]
    serializer_class = ReviewShape
    pagination_class = CursorPage
    filter_backends: list = []
    query_parameters = ["rating", "with_pictures", "sort"]

    def get_queryset(self):
        """Return the reviews the query asks for."""
        product = _listed(self.kwargs["product"])
        asked = {
            name: self.request.query_params[name]
            for name in self.query_parameters
            if name in self.request.query_params
        }
        query = ReviewQuery(data=asked)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        self.cursor_ordering = _SORTS[wanted.pop("sort")]
        return published_reviews(product=product, **wanted)


class ProductRating(StrictQueryMixin, APIView):
    """GET how a product is rated."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="products_rating_retrieve", responses=RatingSummaryShape
    )
    def get(self, request, product: str):
        """Return count, average and how many gave how many stars."""
        summary = rating_summary(product=_listed(product))
        return Response(RatingSummaryShape(summary).data)


class ReviewPictureFile(StrictQueryMixin, APIView):
    """GET one picture of a published review, or of one's own."""

    permission_classes = [AllowAny]

    @extend_schema(responses={(200, WEBP): OpenApiTypes.BINARY})
    def get(self, request, review: str, picture: str):
        """Return a WebP of at most 1,280 pixels a side."""
        found = (
            ReviewPicture.objects.select_related("review")
            .filter(public_id=picture, review__public_id=review)
            .first()
        )
        member = getattr(request.user, "member", None)
        is_shown = found is not None and (
            found.review.state == Review.State.PUBLISHED
            or (member is not None and found.review.member_id == member.pk)
        )
        if not is_shown:
            raise Http404
        return picture_response(bytes(found.webp))


class HelpfulVote(StrictQueryMixin, APIView):
    """POST finds a published review helpful, DELETE no longer does."""

    permission_classes = [IsMember]

    def find(self, public_id: str) -> Review:
        """Return a review that can be read."""
        shown = Review.objects.filter(state=Review.State.PUBLISHED)
        review = shown.filter(public_id=public_id).first()
        if review is None:
            raise Http404
        return review

    @extend_schema(operation_id="reviews_helpful", request=None, responses={204: None})
    def post(self, request, review: str):
        """Vote; again is harmless; 409 ``own_review``."""
        find_helpful(
            review_id=self.find(review).pk, member_id=request.user.member.pk, now=now()
        )
        return Response(status=204)

    @extend_schema(operation_id="reviews_not_helpful", responses={204: None})
    def delete(self, request, review: str):
        """Take the vote back; there may be none."""
        find_not_helpful(
            review_id=self.find(review).pk, member_id=request.user.member.pk
        )
        return Response(status=204)


@extend_schema_view(get=extend_schema(operation_id="me_reviews_list"))
class MyReviews(StrictQueryMixin, generics.ListAPIView):
    """GET what the member has written, newest first."""

    permission_classes = [IsMember]
    serializer_class = MyReviewShape
    pagination_class = CursorPage
    filter_backends: list = []

    def get_queryset(self):
        """Return the caller's own reviews."""
        return reviews_of(member_id=self.request.user.member.pk)


class LinePage(CursorPage):
    """Lines of orders, newest first."""

    ordering = ("-order__placed_at", "-pk")


@extend_schema_view(get=extend_schema(operation_id="me_reviews_waiting_list"))
class LinesToReview(StrictQueryMixin, generics.ListAPIView):
    """GET goods that reached the member and were not reviewed yet."""

    permission_classes = [IsMember]
    serializer_class = LineToReviewShape
    pagination_class = LinePage
    filter_backends: list = []

    def get_queryset(self):
        """Return the caller's own lines."""
        return lines_to_review(member_id=self.request.user.member.pk)


class WriteReview(StrictQueryMixin, APIView):
    """POST reviews one line of an order."""

    permission_classes = [IsMember]

    @extend_schema(
        operation_id="me_orders_lines_review",
        request=NewReview,
        responses={201: MyReviewShape},
    )
    def post(self, request, order: str, position: int):
        """Write; 409 ``not_reviewable`` before delivery, ``already_reviewed``."""
        member = request.user.member
        line = (
            OrderLine.objects.select_related("order", "variant__product")
            .filter(
                order__public_id=order, order__member_id=member.pk, position=position
            )
            .first()
        )
        if line is None:
            raise Http404
        wanted = NewReview(data=request.data)
        wanted.is_valid(raise_exception=True)
        review = write_review(
            member_id=member.pk, line=line, now=now(), **wanted.validated_data
        )
        return Response(MyReviewShape(review).data, status=201)


class OwnReviewView(StrictQueryMixin, APIView):
    """What all doors to one's own review share."""

    permission_classes = [IsMember]

    def find(self, public_id: str) -> Review:
        """Return the caller's review; a foreign one is not there."""
        mine = reviews_of(member_id=self.request.user.member.pk)
        review = mine.filter(public_id=public_id).first()
        if review is None:
            raise Http404
        return review


class MyReview(OwnReviewView):
    """GET, PATCH, DELETE one's own review."""

    @extend_schema(operation_id="me_reviews_retrieve", responses=MyReviewShape)
    def get(self, request, review: str):
        """Return it with what became of it."""
        return Response(MyReviewShape(self.find(review)).data)

    @extend_schema(
        operation_id="me_reviews_update", request=ReviewPatch, responses=MyReviewShape
    )
    def patch(self, request, review: str):
        """Change it; it is moderated again; 409 ``review_closed`` after 30 days."""
        wanted = ReviewPatch(data=request.data)
        wanted.is_valid(raise_exception=True)
        edit_review(
            review_id=self.find(review).pk,
            rating=wanted.validated_data.get("rating"),
            text=wanted.validated_data.get("text"),
            now=now(),
        )
        return Response(MyReviewShape(self.find(review)).data)

    @extend_schema(operation_id="me_reviews_destroy", responses={204: None})
    def delete(self, request, review: str):
        """Take it back whole."""
        withdraw_review(review_id=self.find(review).pk)
        return Response(status=204)


class MyFollowUp(OwnReviewView):
    """POST adds to one's own review."""

    @extend_schema(
        operation_id="me_reviews_follow_up", request=FollowUp, responses=MyReviewShape
    )
    def post(self, request, review: str):
        """Add once, within 180 days; 409 ``already_followed_up``."""
        wanted = FollowUp(data=request.data)
        wanted.is_valid(raise_exception=True)
        follow_up_review(
            review_id=self.find(review).pk, now=now(), **wanted.validated_data
        )
        return Response(MyReviewShape(self.find(review)).data)


class MyReviewPictures(OwnReviewView):
    """POST adds a picture, sent as the file itself."""

    parser_classes = [PictureParser]

    @extend_schema(
        operation_id="me_reviews_pictures_create",
        request=dict.fromkeys(("image/png", "image/jpeg"), OpenApiTypes.BINARY)
        | {WEBP: OpenApiTypes.BINARY},
        responses={201: ReviewPictureShape},
    )
    def post(self, request, review: str):
        """Keep a PNG, JPEG or WebP of at most 2 MB; 422 ``invalid_picture``."""
        data = request.data if isinstance(request.data, bytes) else b""
        picture = add_review_picture(
            review_id=self.find(review).pk, data=data, now=now()
        )
        return Response({"id": picture.public_id}, status=201)


class MyReviewPicture(OwnReviewView):
    """DELETE takes a picture out."""

    @extend_schema(operation_id="me_reviews_pictures_destroy", responses={204: None})
    def delete(self, request, review: str, picture: str):
        """Take it out; it may not be there."""
        remove_review_picture(review_id=self.find(review).pk, picture=picture)
        return Response(status=204)

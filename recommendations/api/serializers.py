"""Shapes of the recommendations API."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from rest_framework import serializers

from orders.models import Product
from recommendations.queries import (
    BECAUSE_PURCHASED,
    BOUGHT_TOGETHER,
    Suggestion,
)


class SuggestedProduct(serializers.Serializer):
    """Which product is suggested."""

    id = serializers.CharField()
    name = serializers.CharField()


class SuggestionReason(serializers.Serializer):
    """Why; ``evidence`` are ids of products behind it."""

    code = serializers.CharField(
        help_text="because_purchased, bought_together or popular; may grow."
    )
    text = serializers.CharField()
    evidence = serializers.ListField(child=serializers.CharField())


class SuggestionShape(serializers.Serializer):
    """One suggestion; scores compare only within one answer."""

    product = SuggestedProduct()
    score = serializers.FloatField()
    reasons = SuggestionReason(many=True)


class SuggestionsShape(serializers.Serializer):
    """Suggestions, best first."""

    data = SuggestionShape(many=True)


def suggestions_shape(suggestions: Sequence[Suggestion]) -> dict:
    """Return suggestions as the API writes them."""
    return {"data": [_suggestion(each) for each in suggestions]}


def _suggestion(suggestion: Suggestion) -> dict:
    return {
        "product": _product(suggestion.product),
        "score": round(suggestion.score, 6),
        "reasons": [
            {
                "code": suggestion.reason,
                "text": _text(suggestion),
                "evidence": [product.public_id for product in suggestion.evidence],
            }
        ],
    }


def _product(product: Product) -> dict:
    return {"id": product.public_id, "name": product.label}


def _text(suggestion: Suggestion) -> str:
    if suggestion.reason == BECAUSE_PURCHASED:
        name = suggestion.evidence[0].label
        return _("Because you bought %(product)s") % {"product": name}
    if suggestion.reason == BOUGHT_TOGETHER:
        return _("Often bought by the same people")
    return _("Popular with our members")

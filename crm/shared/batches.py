"""Many things in one request of the server API: each succeeds or fails alone."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm.shared.errors import Refusal
from crm.shared.problems import pointed_errors
from crm.shared.strict import StrictSerializer

MOST_ITEMS = 100


class BatchRequest(StrictSerializer):
    """Things, each of which succeeds or fails alone."""

    items = serializers.ListField(
        child=serializers.DictField(), allow_empty=False, max_length=MOST_ITEMS
    )


class PointedError(serializers.Serializer):
    """What is wrong, and where in the item."""

    pointer = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class BatchResult(serializers.Serializer):
    """What became of one item: 201, 200, or the status and code of its problem."""

    index = serializers.IntegerField()
    status = serializers.IntegerField()
    id = serializers.CharField(required=False)
    code = serializers.CharField(required=False)
    title = serializers.CharField(required=False)
    params = serializers.DictField(required=False)
    errors = PointedError(many=True, required=False)


class BatchResponse(serializers.Serializer):
    """One result per item, in the order they were sent."""

    data = BatchResult(many=True)


def answer_each(
    items: Iterable[dict], work: Callable[[dict], tuple[str, bool]]
) -> Iterator[dict[str, Any]]:
    """Yield what became of each item; its writes are all there or none.

    Args:
        items: bodies as they were sent.
        work: does one item and returns its public id and whether it is new; raises
            ValidationError or a Refusal when it cannot.
    """
    for index, item in enumerate(items):
        yield {"index": index, **_answer(item, work)}


def _answer(item: dict, work: Callable[[dict], tuple[str, bool]]) -> dict[str, Any]:
    try:
        with transaction.atomic():
            public_id, is_new = work(item)
    except ValidationError as error:
        return {
            "status": 400,
            "code": "validation_error",
            "errors": pointed_errors(error.detail),
        }
    except Refusal as refusal:
        return {
            "status": refusal.status,
            "code": refusal.code,
            "title": str(refusal),
            **({"params": refusal.params} if refusal.params else {}),
        }
    return {"status": 201 if is_new else 200, "id": public_id}

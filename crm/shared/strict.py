"""What the API does not know it refuses: query parameters and body fields."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError


class UnknownParameter(ValidationError):
    """A query parameter this address does not know."""

    default_code = "unknown_parameter"
    problem_code = "unknown_parameter"
    problem_title = _("Unknown query parameter.")


class StrictQueryMixin:
    """Refuse query parameters the view does not name (a typo must not list everybody).

    Known are ``query_parameters`` of the view, the names of its filter set, and
    ``limit``, ``cursor`` and ``include`` where the view has pages. Goes before the DRF
    view class.
    """

    query_parameters: Iterable[str] = ()

    def initial(self, request, *args, **kwargs):
        """Check the query once the caller is known and allowed."""
        super().initial(request, *args, **kwargs)
        unknown = sorted(set(request.query_params) - self.known_parameters())
        if unknown:
            raise UnknownParameter(
                {
                    name: [ErrorDetail(_("Unknown parameter."), "unknown_parameter")]
                    for name in unknown
                }
            )

    def known_parameters(self) -> set[str]:
        """Return the names this view reacts to."""
        known = set(self.query_parameters)
        if getattr(self, "pagination_class", None) is not None:
            known |= {"limit", "cursor", "include"}
        filters = getattr(self, "filterset_class", None)
        if filters is not None:
            known |= set(filters.base_filters)
        return known | set(getattr(self, "filterset_fields", None) or ())


class StrictSerializer(serializers.Serializer):
    """A serializer that refuses body fields it does not name, read-only ones too."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields first, then read the known ones."""
        if isinstance(data, dict):
            known = {f.field_name for f in self.fields.values() if not f.read_only}
            unknown = sorted(str(name) for name in set(data) - known)
            if unknown:
                raise ValidationError(
                    {
                        name: [ErrorDetail(_("Unknown field."), "unknown_field")]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)

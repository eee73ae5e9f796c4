"""Filters of the console's lists that cost nothing until their panel is opened."""

from functools import partial

from django.utils.functional import SimpleLazyObject
from unfold.contrib.filters.admin import RelatedDropdownFilter


class RelatedFilter(RelatedDropdownFilter):
    """One of the rows of another table; they are read when the panel is written."""

    def field_choices(self, field, request, model_admin):
        """Return the choices, read when they are first looked at."""
        read = partial(super().field_choices, field, request, model_admin)
        return SimpleLazyObject(read)

    def has_output(self) -> bool:
        """Stand in the panel, whose choices are not known yet."""
        return True

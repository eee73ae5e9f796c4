"""Search boxes for rows of other tables that survive whatever is sent as a key."""

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError


class KeySelect(AutocompleteSelect):
    """Django's box asks the database for what was sent when it is shown again.

    What cannot be a key, a word or a number beyond all keys, would fail there; the
    form has refused it by then.
    """

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """Return the chosen rows, of those that can be."""
        return super().optgroups(name, [key for key in value if self._can_be(key)])

    def _can_be(self, key: Any) -> bool:
        try:
            self.field.target_field.clean(key, None)
        except ValidationError:
            return key in self.choices.field.empty_values
        return True


class KeySelectsMixin:
    """Admin mixin, of inlines, too: ``autocomplete_fields`` are such boxes."""

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Use the box where a field is searched for."""
        if db_field.name in self.get_autocomplete_fields(request):
            box = KeySelect(db_field, self.admin_site, using=kwargs.get("using"))
            kwargs.setdefault("widget", box)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

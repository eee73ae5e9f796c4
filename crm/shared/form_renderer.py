"""How forms become pages: our templates first, and every label begins alike."""

from typing import Any

from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.text import capfirst


class CapitalisedField(BoundField):
    """A field on a page. Texts are nouns of sentences: its label begins one."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.label = capfirst(self.label)


class FormRenderer(TemplatesSetting):
    """Forms of the whole shop.

    Django gives the labels it takes from a model a capital, and leaves those alone
    that a form names itself. On one page they must look the same.
    """

    bound_field_class = CapitalisedField

"""Widgets are written out by two tags of ours: as Django's templates would."""

import pytest
from django.forms.renderers import DjangoTemplates
from django.test.html import parse_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

CHOICES = [
    ("", gettext_lazy("All")),
    ("a&b", "<b>both</b>"),
    (7, mark_safe("seven")),
    ("Group & co", [(True, "yes"), (None, "nothing")]),
]


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"id": "one", "required": True, "disabled": False},
        {"title": "<\"&'>", "data-n": 7, "x": gettext_lazy("All"), "empty": ""},
    ],
)
@pytest.mark.parametrize("value", ["", "a&b", 7, True, None])
def test_a_select_is_the_same(value, attrs):
    widget = UnfoldAdminSelectWidget(choices=CHOICES, attrs=attrs)
    ours = widget.render("pick", value)
    assert "<b>" not in ours
    assert parse_html(ours) == parse_html(
        widget.render("pick", value, renderer=DjangoTemplates())
    )


def test_a_text_is_the_same():
    widget = UnfoldAdminTextInputWidget(attrs={"maxlength": 5, "autofocus": True})
    plain = widget.render("name", '"<x>"', renderer=DjangoTemplates())
    assert widget.render("name", '"<x>"') == plain

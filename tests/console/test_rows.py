"""Rows of lists are written out by us: what comes out is what Unfold's templates give."""

import pytest
from django.conf import settings
from django.contrib import admin
from django.template import engines
from django.test.html import parse_html
from django.urls import reverse

from crm.shared.staff_lists import labelled
from members.models import Tag

LISTS = sorted(model._meta.label_lower for model in admin.site._registry)
UNFOLDS = "{% load unfold_list %}{% unfold_result_list cl %}"
OURS = "{% load console %}{% list_table cl %}"


def list_url(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


def table(source: str, page) -> str:
    """Return the table of a page as a template makes it."""
    changelist = page.context["cl"]
    context = {
        "cl": changelist,
        "opts": changelist.opts,
        "has_add_permission": page.context["has_add_permission"],
        "request": page.wsgi_request,
    }
    return engines["django"].from_string(source).render(context, page.wsgi_request)


def assert_same(page) -> int:
    """Compare the table with Unfold's and return how many rows it has."""
    ours, unfolds = table(OURS, page), table(UNFOLDS, page)
    assert parse_html(ours) == parse_html(unfolds), page.wsgi_request.path
    return len(page.context["cl"].result_list)


@pytest.mark.parametrize("query", ["", "?_popup=1&o=-2.1"])
def test_every_list_is_as_unfold_shows_it(query, signed_in):
    client = signed_in()
    rows = sum(assert_same(client.get(list_url(label) + query)) for label in LISTS)
    assert rows > len(LISTS)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_is_so_in_both_languages_and_for_whoever_may_not_change(language, signed_in):
    client = signed_in("support")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    for label in ("members.member", "members.consent", "orders.order"):
        page = client.get(list_url(label))
        assert page.headers["Content-Language"] == language
        assert assert_same(page) > 0


def test_it_is_so_where_there_is_nothing(signed_in):
    client = signed_in()
    for label in ("members.member", "members.tag", "loyalty.pointsentry"):
        page = client.get(f"{list_url(label)}?q=nothing-like-this")
        assert assert_same(page) == 0


def test_a_filter_is_kept_on_the_way_to_a_row(signed_in):
    address = f"{list_url('members.tag')}?o=1"
    page = signed_in().get(address).content.decode()
    tag = Tag.objects.order_by("pk").first()
    change = reverse("admin:members_tag_change", args=[tag.pk])
    assert f'href="{change}?_changelist_filters=o%3D1"' in page


def test_what_somebody_wrote_is_text_and_no_markup(signed_in, shop):
    Tag.objects.create(name="<script>alert(1)</script>")
    page = signed_in().get(list_url("members.tag")).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_no_list_asks_for_more_than_is_written():
    """Editing in the list, dragging, sections and menus of a row are Unfold's alone."""
    for model_admin in admin.site._registry.values():
        assert not model_admin.list_editable
        assert not model_admin.ordering_field
        assert not getattr(model_admin, "list_sections", ())
        assert not model_admin.actions_row
        assert not model_admin.list_horizontal_scrollbar_top
        for name in model_admin.list_display:
            column = getattr(model_admin, name, None) if isinstance(name, str) else name
            assert not getattr(column, "header", False)
            assert not getattr(column, "dropdown", False)


def test_a_label_says_what_a_choice_is_called(shop):
    for row in shop["members"]:
        assert labelled(row, "state") == (row.state, row.get_state_display())


def test_a_choice_nobody_knows_is_shown_as_it_is(shop):
    member = shop["members"][0]
    member.state = "unheard-of"
    assert labelled(member, "state") == ("unheard-of", "unheard-of")

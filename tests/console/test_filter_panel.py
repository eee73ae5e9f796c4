"""The panel of filters comes when somebody reaches for it, not with every list."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.shared.staff_lists import PANEL_VAR

MEMBERS = "/admin/members/member/"
FORM = '<form id="filter-form"'
FILTERED = [
    model._meta.label_lower
    for model, each in admin.site._registry.items()
    if each.list_filter
]


def list_url(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


def panel(client, url: str = MEMBERS, **query):
    return client.get(url, {**query, PANEL_VAR: "1"})


@pytest.mark.parametrize("label", FILTERED)
def test_each_list_gives_its_panel_alone(label, signed_in):
    client = signed_in()
    page = client.get(list_url(label)).content.decode()
    assert FORM not in page
    assert f"?{PANEL_VAR}=1" in page
    answer = panel(client, list_url(label))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.strip().startswith(FORM) and text.strip().endswith("</form>")
    titles = [str(spec.title) for spec in answer.context["cl"].filter_specs]
    assert titles and all(title in text for title in titles)


def test_it_knows_how_the_list_is_filtered_and_keeps_the_rest(signed_in):
    client = signed_in()
    asked = {"city": "苏州", "q": "M0", "o": "-5"}
    page = client.get(MEMBERS, asked).content.decode()
    assert f"?city=%E8%8B%8F%E5%B7%9E&amp;q=M0&amp;o=-5&amp;{PANEL_VAR}=1" in page
    text = panel(client, **asked).content.decode()
    assert 'name="city" value="苏州"' in text
    assert '<input type="hidden" name="q" value="M0">' in text
    assert '<input type="hidden" name="o" value="-5">' in text
    # Applied, it asks for the list again.
    assert PANEL_VAR not in text


def test_tiers_and_tags_are_read_with_the_panel_only(signed_in):
    client = signed_in()
    read = [
        'FROM "loyalty_tier" ORDER BY',
        'FROM "members_tag" ORDER BY',
    ]
    for query, times in [({}, 0), ({PANEL_VAR: "1"}, 1)]:
        client.get(MEMBERS, query)
        with CaptureQueriesContext(connection) as asked:
            client.get(MEMBERS, query)
        for text in read:
            found = [each for each in asked if text in each["sql"]]
            assert len(found) == times, (query, text)


def test_a_filter_by_tier_works_without_its_choices_read(signed_in, shop):
    client = signed_in()
    tier = next(iter(panel(client).context["cl"].filter_specs[2].lookup_choices))[0]
    answer = client.get(MEMBERS, {"points_account__tier__id__exact": tier})
    found = answer.context["cl"].result_list
    assert all(member.points_account.tier_id == tier for member in found)
    text = panel(client, points_account__tier__id__exact=tier).content.decode()
    assert f'<option value="{tier}" selected>' in text


def test_what_the_list_refuses_is_refused(client, signed_in):
    answer = panel(client)
    assert (answer.status_code, answer.url[:13]) == (302, "/admin/login/")
    assert panel(signed_in("analyst"), "/admin/members/user/").status_code == 403
    answer = panel(signed_in(), nonsense="1")
    assert (answer.status_code, answer.url) == (302, f"{MEMBERS}?e=1")

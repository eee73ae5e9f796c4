"""Every page of every table x every role (S2 of the reliability goals).

Tables come from the admin registry and what a role may from ``ROLES``, so a new table,
page or role is in the matrix from its first day.
"""

import pytest
from django.contrib import admin
from django.db import models
from django.urls import NoReverseMatch, reverse

from crm.console.rules.roles import ROLES
from tests.tables import digest

pytestmark = pytest.mark.slow

EVERYBODY = [*ROLES, "nobody"]
ADMINS = {model._meta.label_lower: each for model, each in admin.site._registry.items()}
#: Pages for whoever may see a table; the form of members leads others to their page.
SEEN = {200, 302}


#: Who looks at personal data is noted, even where writing is refused then.
NOTED = frozenset({"shared_auditentry"})


def held(role: str, verb: str, label: str) -> bool:
    app, name = label.split(".")
    return f"{app}.{verb}_{name}" in ROLES.get(role, ())


def may_see(role: str, label: str) -> bool:
    return held(role, "view", label) or held(role, "change", label)


def url_of(label: str, page: str, *args) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def first_rows() -> dict[str, models.Model]:
    """Return one row of each table that has any."""
    found = {
        label: each.model._default_manager.order_by("pk").first()
        for label, each in ADMINS.items()
    }
    return {label: row for label, row in found.items() if row is not None}


@pytest.fixture
def cells(shop):
    return first_rows()


def test_the_shop_has_a_row_of_nearly_every_table(cells):
    assert len(ADMINS) - len(cells) <= 2, set(ADMINS) - set(cells)


@pytest.mark.parametrize("role", EVERYBODY)
def test_pages_to_look_at(role, cells, signed_in):
    client, wrong = signed_in(role), {}
    for label, row in cells.items():
        for page in ("change", "history"):
            status = client.get(url_of(label, page, row.pk)).status_code
            if (status in SEEN) != may_see(role, label) or status >= 500:
                wrong[label, page] = status
        list_page = url_of(label, "changelist") + "?_popup=1"
        status = client.get(list_page).status_code
        if (status in SEEN) != may_see(role, label):
            wrong[label, "popup"] = status
    assert not wrong


@pytest.mark.parametrize("role", EVERYBODY)
def test_what_a_role_may_not_write_stays_as_it_was(role, cells, signed_in):
    client, wrong = signed_in(role), {}
    before = digest(without=NOTED)
    for label, row in cells.items():
        tries = {
            "add": url_of(label, "add"),
            "change": url_of(label, "change", row.pk),
            "delete": url_of(label, "delete", row.pk),
        }
        for verb, url in tries.items():
            if held(role, verb, label):
                continue
            status = client.post(url, {"post": "yes", "_save": "1"}).status_code
            # Pages to look at show themselves again, and write nothing.
            if status not in {200, 302, 403} or (
                status != 403 and not may_see(role, label)
            ):
                wrong[label, verb] = status
    assert not wrong
    assert digest(without=NOTED) == before


@pytest.mark.parametrize("role", EVERYBODY)
def test_actions_are_refused_to_whom_they_are_not_offered(
    role, cells, signed_in, rf, shop
):
    client, offered = signed_in(role), {}
    request = rf.get("/")
    request.user = shop["users"][role]
    everything = rf.get("/")
    everything.user = shop["users"]["admin"]
    before = digest()
    for label, row in cells.items():
        mine = set(ADMINS[label].get_actions(request))
        for action in set(ADMINS[label].get_actions(everything)) - mine:
            answer = client.post(
                url_of(label, "changelist"),
                {"action": action, "_selected_action": [row.pk], "confirmed": "1"},
            )
            offered[label, action] = answer.status_code
    assert set(offered.values()) <= {200, 302, 403}
    assert digest() == before


@pytest.mark.parametrize("role", EVERYBODY)
def test_autocomplete_tells_only_what_the_list_tells(role, cells, signed_in):
    client, wrong = signed_in(role), {}
    for each in ADMINS.values():
        for name in each.get_autocomplete_fields(None):
            target = each.model._meta.get_field(name).related_model
            app, model = each.model._meta.label_lower.split(".")
            answer = client.get(
                reverse("admin:autocomplete"),
                {"app_label": app, "model_name": model, "field_name": name, "term": ""},
            )
            expected = may_see(role, target._meta.label_lower)
            if (answer.status_code == 200) != expected:
                wrong[each.model._meta.label, name] = answer.status_code
    assert not wrong


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("page", ["import", "export"])
def test_files_in_and_out(page, role, cells, signed_in):
    """Whoever may not see a table takes nothing out; who may not write brings nothing."""
    client, wrong = signed_in(role), {}
    for label in ADMINS:
        try:
            url = url_of(label, page)
        except NoReverseMatch:
            continue
        status = client.get(url).status_code
        allowed = (
            held(role, "add", label) or held(role, "change", label)
            if page == "import"
            else may_see(role, label)
        )
        if status == 200 and not allowed:
            wrong[label] = status
    assert not wrong

"""The sidebar is written out by us: as Unfold's template would, and each login's own."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.template.backends.django import DjangoTemplates
from django.test.html import parse_html
from django.urls import reverse
from django.utils import translation

from crm.console.navigation import SECTIONS, sidebar
from crm.console.rules.roles import ROLES

#: Unfold's own templates, without ours before them.
UNFOLD = DjangoTemplates(
    {"NAME": "unfold", "APP_DIRS": True, "DIRS": [], "OPTIONS": {}}
)
MEMBERS = "/admin/members/member/"


def request_of(user, path: str = MEMBERS):
    return type("Request", (), {"user": user, "path": path})()


def links(user, path: str = MEMBERS) -> list[str]:
    return re.findall(r'href="([^"]+)"', "".join(sidebar(request_of(user, path))))


def as_unfold_has_it(path: str) -> str:
    """Return the sidebar of somebody who may see all, by Unfold's template."""

    def item(page: str, icon: str, title):
        link = reverse(f"admin:{page}")
        is_here = path == link if page == "index" else link in path
        return {
            **{"title": title, "icon": icon, "link": link},
            **{"active": is_here, "has_permission": True},
        }

    def listed(label: str, icon: str):
        app, name = label.split(".")
        plural = str(apps.get_model(label)._meta.verbose_name_plural)
        return item(f"{app}_{name}_changelist", icon, plural[:1].upper() + plural[1:])

    first = [
        item("index", "home", translation.gettext("Home")),
        item("work", "checklist", translation.gettext("To do")),
        item("why_not", "help", translation.gettext("Why not?")),
    ]
    groups = [{"items": first}] + [
        {"title": title, "items": [listed(*entry) for entry in entries]}
        for title, entries in SECTIONS
    ]
    machine = item("clock", "schedule", translation.gettext("Time machine"))
    groups[-1]["items"].append(machine)
    template = UNFOLD.get_template("unfold/helpers/app_list.html")
    return template.render({"sidebar_navigation": groups})


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("path", [MEMBERS, "/admin/", f"{MEMBERS}7/change/"])
def test_it_is_as_unfold_shows_it(path, language, shop, signed_in):
    with translation.override(language):
        page = as_unfold_has_it(path)
        ours = "".join(sidebar(request_of(shop["users"]["admin"], path)))
    frame = '<div id="nav-sidebar-apps" class="h-0 grow overflow-auto" data-simplebar>'
    assert parse_html(f"{frame}{ours}</div>") == parse_html(page)
    assert ours.count(" active") == 1


def test_a_page_shows_it(shop, signed_in):
    page = signed_in().get(MEMBERS).content.decode()
    for section in sidebar(request_of(shop["users"]["admin"])):
        assert section in page


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_nobody_sees_what_he_may_not_open(role, shop, signed_in):
    user = shop["users"].get(role)
    held = set(ROLES.get(role, ()))
    may_open = {
        reverse(f"admin:{label.replace('.', '_')}_changelist")
        for _title, entries in SECTIONS
        for label, _icon in entries
        for app, name in [label.split(".")]
        if held & {f"{app}.view_{name}", f"{app}.change_{name}"}
    }
    # Somebody who may see all was here just before: nothing of his is left.
    assert len(links(shop["users"]["admin"])) > 60
    shown = {link for link in links(user) if link.count("/") == 4}
    assert shown == may_open


def test_apps_are_looked_up_where_they_are_shown_only(signed_in, monkeypatch):
    asked = []
    build = admin.AdminSite._build_app_dict
    monkeypatch.setattr(
        admin.AdminSite,
        "_build_app_dict",
        lambda site, request, label=None: (
            asked.append(label) or build(site, request, label)
        ),
    )
    client = signed_in()
    assert client.get(MEMBERS).status_code == 200
    assert not asked
    page = client.get(reverse("admin:app_list", args=["members"]))
    assert (page.status_code, set(asked)) == (200, {"members"})
    refused = signed_in("nobody").get(reverse("admin:app_list", args=["auth"]))
    assert refused.status_code in {403, 404}

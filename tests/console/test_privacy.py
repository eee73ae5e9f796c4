"""Privacy at the console: copies, erasures by two, budgets, what the analyst sees."""

import io
import uuid
import zipfile

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.jobs import run_all_queued
from crm.shared.models import AuditEntry
from members.models import DataExport, Erasure, Member, RevealBudget


def text_of(answer) -> str:
    return answer.content.decode()


def do(client, member, code, reason="letter of 3 May"):
    url = reverse("admin:member_action", args=[member.public_id, code])
    return client.post(url, {"reason": reason, "request_key": str(uuid.uuid4())})


# --- A copy -------------------------------------------------------------------


def test_the_owner_fetches_a_copy_once(shop, signed_in):
    client, member = signed_in("owner"), shop["members"][5]
    assert do(client, member, "export_data").status_code == 302
    run_all_queued()
    export = DataExport.objects.get(member=member)
    page = reverse("admin:members_dataexport_change", args=[export.pk])
    assert "Fetch the file" in text_of(client.get(page))
    fetch = reverse("admin:data_export_fetch", args=[export.pk])
    assert client.get(fetch).status_code == 405
    file = client.post(fetch)
    assert "no-store" in file["Cache-Control"]
    assert "data.json" in zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    assert "Fetch the file" not in text_of(client.get(page))
    again = client.post(fetch)
    assert (again.status_code, again.url) == (302, page)
    deeds = AuditEntry.objects.filter(action__startswith="members.export_data")
    assert list(deeds.order_by("id").values_list("action", "actor", "reason")) == [
        ("members.export_data.ask", "owner", "letter of 3 May"),
        ("members.export_data.fetch", "owner", ""),
    ]


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_only_who_may_export_asks_and_fetches(role, shop, signed_in):
    client, member = signed_in(role), shop["members"][5]
    may = role in ROLES and "members.export_pii" in ROLES[role]
    assert do(client, member, "export_data").status_code == (302 if may else 403)
    assert DataExport.objects.filter(member=member).exists() is may
    export = DataExport.objects.get(member=shop["busy"])
    DataExport.objects.filter(pk=export.pk).update(state="expired")
    answer = client.post(reverse("admin:data_export_fetch", args=[export.pk]))
    assert answer.status_code == (302 if may else 403)


# --- An erasure ---------------------------------------------------------------


def test_two_people_erase_a_person(shop, signed_in):
    member = shop["members"][5]
    assert do(signed_in("support"), member, "erase").status_code == 302
    erasure = Erasure.objects.get(member=member)
    page = reverse("admin:members_erasure_change", args=[erasure.pk])
    approve = reverse("admin:erasure_approve", args=[erasure.pk])
    assert "Approve and erase" not in text_of(signed_in("support").get(page))
    assert signed_in("support").post(approve).status_code == 403
    owner = signed_in("owner")
    assert "Approve and erase" in text_of(owner.get(page))
    assert owner.get(approve).status_code == 405
    owner.post(approve)
    run_all_queued()
    erasure.refresh_from_db()
    assert (erasure.state, erasure.author.username, erasure.approver.username) == (
        "done",
        "support",
        "owner",
    )
    assert "Certificate" in text_of(owner.get(page))
    shown = text_of(owner.get(reverse("admin:member_page", args=[member.public_id])))
    assert "do/erase/" not in shown
    assert member.number in shown


def test_nobody_approves_what_they_asked_for(shop, signed_in):
    owner, member = signed_in("owner"), shop["members"][5]
    do(owner, member, "erase")
    erasure = Erasure.objects.get(member=member)
    page = reverse("admin:members_erasure_change", args=[erasure.pk])
    assert "Approve and erase" not in text_of(owner.get(page))
    owner.post(reverse("admin:erasure_approve", args=[erasure.pk]))
    erasure.refresh_from_db()
    assert (erasure.state, erasure.approver) == ("waiting", None)
    assert Member.objects.get(pk=member.pk).name


@pytest.mark.parametrize(
    ("role", "told"), [("support", True), ("owner", True), ("marketer", False)]
)
def test_the_page_of_the_member_tells_that_an_erasure_stands(
    role, told, shop, signed_in
):
    member = shop["erasure"].member
    shown = text_of(
        signed_in(role).get(reverse("admin:member_page", args=[member.public_id]))
    )
    assert ("waiting for approval" in shown) is told


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_each_verb_of_an_erasure_has_its_permission(role, shop, signed_in):
    client, erasure = signed_in(role), shop["erasure"]
    held = ROLES.get(role, ())
    asks = do(client, shop["members"][6], "erase").status_code
    assert asks == (302 if "members.add_erasure" in held else 403)
    verbs = {}
    for verb in ("cancel", "approve"):
        url = reverse(f"admin:erasure_{verb}", args=[erasure.pk])
        verbs[verb] = client.post(url).status_code
    assert verbs["approve"] == (302 if "members.change_erasure" in held else 403)
    # Its author, support, may call it off, too.
    may_cancel = "members.change_erasure" in held or role == "support"
    assert verbs["cancel"] == (302 if may_cancel else 403)
    erasure.refresh_from_db()
    assert erasure.state == ("cancelled" if may_cancel else "waiting")


# --- Budgets ------------------------------------------------------------------


def test_the_reveal_budget_is_told_and_shows_nothing(shop, signed_in, settings):
    settings.REVEALS_PER_DAY = 1
    client = signed_in("support")
    url = reverse("admin:member_reveal", args=[shop["busy"].public_id, "phone"])
    assert "+8613800000003" in text_of(client.post(url, {"reason": "call back"}))
    refused = text_of(client.post(url, {"reason": "call back"}))
    assert "+8613800000003" not in refused
    assert "used up" in refused
    assert AuditEntry.objects.filter(action="members.reveal").count() == 1


def test_the_form_in_clear_counts_as_a_reveal(shop, signed_in, settings):
    settings.REVEALS_PER_DAY = 1
    client, busy = signed_in("support"), shop["busy"]
    form = reverse("admin:members_member_change", args=[busy.pk])
    assert "+8613800000003" in text_of(client.get(form))
    assert AuditEntry.objects.get(action="members.reveal").detail == {"field": "form"}
    refused = client.get(form)
    assert refused.url == reverse("admin:member_page", args=[busy.public_id])
    assert RevealBudget.objects.get().used == 1

"""The queue of duplicates, the merge page, and undoing: who may, and what it does."""

import pytest
from django.urls import reverse

from crm.console.queries.merging import REASONS
from crm.console.rules.roles import ROLES
from crm.console.services.trying_merge import try_merge
from crm.shared.clock import now
from crm.shared.models import AuditEntry, Fact, Job
from loyalty.models import PointsEntry
from members.models import DuplicatePair, Member, Merge
from members.rules.duplicates import OUTCOMES
from members.services.merging import merge_members

QUEUE = "admin:members_duplicatepair_changelist"


def text_of(answer) -> str:
    return answer.content.decode()


@pytest.fixture
def pair(shop):
    return shop["busy"], shop["members"][2]


@pytest.fixture
def page(pair):
    return reverse("admin:member_merge", args=[member.public_id for member in pair])


@pytest.fixture
def done(pair, shop):
    winner, loser = pair
    return merge_members(
        winner_id=winner.pk,
        loser_id=loser.pk,
        reason="one person",
        actor="tests",
        now=now(),
    )


def may(role: str, permission: str) -> bool:
    return role == "admin" or permission in ROLES.get(role, ())


# --- Who may ------------------------------------------------------------------


@pytest.mark.parametrize("role", ["admin", *ROLES, "nobody"])
def test_each_page_asks_for_its_own_permission(role, shop, page, done, signed_in):
    client = signed_in(role)
    target = shop["members"][7].public_id
    pages = {
        reverse("admin:member_merge_with", args=[target]): "members.add_merge",
        reverse(
            "admin:member_merge", args=[target, shop["members"][8].public_id]
        ): "members.add_merge",
        reverse("admin:merge_undo", args=[done.pk]): "members.change_merge",
        reverse(
            "admin:duplicate_dismiss", args=[shop["pair"].pk]
        ): "members.change_duplicatepair",
    }
    for url, permission in pages.items():
        expected = 200 if may(role, permission) else 403
        assert client.get(url).status_code == expected, url
        if expected == 403:
            assert client.post(url, {"reason": "let me in"}).status_code == 403
    search = client.post(reverse("admin:duplicate_search"))
    assert search.status_code == (
        302 if may(role, "members.add_duplicatepair") else 403
    )
    assert Merge.objects.filter(state="done").count() == 1
    assert DuplicatePair.objects.get().state == "open"


def test_only_those_who_may_are_offered_it(shop, signed_in):
    url = reverse("admin:member_page", args=[shop["busy"].public_id])
    target = reverse("admin:member_merge_with", args=[shop["busy"].public_id])
    assert target in text_of(signed_in("support").get(url))
    assert target not in text_of(signed_in("marketer").get(url))


def test_the_sign_in_comes_first(client, page, shop):
    assert client.get(page).status_code == 302
    assert client.post(page, {"reason": "let me in"}).status_code == 302
    assert not Merge.objects.filter(state="done").exists()


# --- The queue ----------------------------------------------------------------


def test_every_reason_has_words():
    assert {code for code, each in OUTCOMES.items() if each.bits > 0} == set(REASONS)


def test_the_queue_says_how_likely_and_why(shop, signed_in):
    shown = text_of(signed_in("support").get(reverse(QUEUE)))
    assert "93 %" in shown
    assert "same birthday · same name" in shown
    assert "13800000000" not in shown
    pair = shop["pair"]
    target = [pair.first.public_id, pair.second.public_id]
    assert reverse("admin:member_merge", args=target) in shown


def test_the_auditor_sees_the_queue_without_names(shop, signed_in):
    shown = text_of(signed_in("auditor").get(reverse(QUEUE)))
    assert shop["pair"].first.number in shown
    assert "王静" not in shown
    assert "Compare" not in shown


def test_two_people_stay_two(shop, signed_in):
    client, pair = signed_in("support"), shop["pair"]
    url = reverse("admin:duplicate_dismiss", args=[pair.pk])
    assert "Say why." in text_of(client.post(url, {"reason": " "}))
    assert client.post(url, {"reason": "father and son"}).status_code == 302
    pair.refresh_from_db()
    assert pair.state == "dismissed"
    entry = AuditEntry.objects.get(action="duplicates.dismiss")
    assert (entry.actor, entry.reason) == ("support", "father and son")


def test_a_search_is_a_job(shop, signed_in):
    client = signed_in("loyalty manager")
    url = reverse("admin:duplicate_search")
    assert client.get(url).status_code == 405
    client.post(url)
    job = Job.objects.get(kind="members.find_duplicates")
    assert (job.params, job.owner) == ({"all": True}, shop["users"]["loyalty manager"])


# --- Merging ------------------------------------------------------------------


def test_the_page_compares_and_writes_nothing(pair, page, signed_in):
    winner, loser = pair
    facts, entries = Fact.objects.count(), PointsEntry.objects.count()
    shown = text_of(signed_in("support").get(page))
    assert winner.number in shown
    assert loser.number in shown
    assert "Afterwards 500 points can be spent" in shown
    for secret in ("13800000002", "13800000003", "person2@example.com", "1990-02-28"):
        assert secret not in shown
    assert (Fact.objects.count(), PointsEntry.objects.count()) == (facts, entries)
    assert not Merge.objects.filter(state="done").exists()
    assert not AuditEntry.objects.filter(action="members.merge").exists()


def test_merging_takes_the_chosen_values(pair, page, signed_in, shop):
    winner, loser = pair
    answer = signed_in("support").post(
        page, {"reason": "called us", "field-phone": "loser", "field-name": "winner"}
    )
    assert answer.status_code == 302
    assert answer.url == reverse("admin:member_page", args=[winner.public_id])
    stays = Member.objects.get(pk=winner.pk)
    assert (stays.name, stays.phone) == ("O'Neil <b>测试</b>", "+8613800000002")
    entry = AuditEntry.objects.get(action="members.merge")
    assert (entry.actor, entry.reason) == ("support", "called us")
    assert Merge.objects.get(state="done").loser == loser


@pytest.mark.parametrize("reason", ["", "  ", "ab"])
def test_merging_needs_a_reason(reason, page, signed_in):
    answer = signed_in("support").post(page, {"reason": reason})
    assert "three characters" in text_of(answer)
    assert not Merge.objects.filter(state="done").exists()


def test_what_cannot_be_merged_is_said_and_not_offered(pair, done, signed_in):
    other = reverse("admin:member_merge", args=[pair[1].public_id, pair[0].public_id])
    answer = signed_in("support").get(other)
    assert "merged or erased already" in text_of(answer)
    assert 'name="reason"' not in text_of(answer)
    assert "merged or erased already" in text_of(
        signed_in("support").post(other, {"reason": "again please"})
    )


def test_the_page_of_a_merged_member_is_that_of_who_stayed(pair, done, signed_in):
    winner, loser = pair
    client = signed_in("support")
    answer = client.get(reverse("admin:member_page", args=[loser.public_id]))
    assert answer.url == reverse("admin:member_page", args=[winner.public_id])
    note = reverse("admin:member_note", args=[loser.public_id])
    assert client.post(note, {"text": "lost?"}).status_code == 302
    assert not loser.notes.exists()


def test_another_member_is_found_by_number(pair, page, signed_in):
    client, (winner, loser) = signed_in("support"), pair
    url = reverse("admin:member_merge_with", args=[winner.public_id])
    assert client.get(url, {"number": loser.number.lower()}).url == page
    for number in (winner.number, "M999", "<b>"):
        answer = client.get(url, {"number": number})
        assert "no other member with this number" in text_of(answer)


@pytest.mark.parametrize("name", ["member_merge", "member_merge_with"])
def test_nobody_is_not_found(name, shop, signed_in):
    args = ["mem_nobody", shop["busy"].public_id][: 2 if name == "member_merge" else 1]
    url = reverse(f"admin:{name}", args=args)
    assert signed_in("support").get(url).status_code == 404


def test_trying_leaves_nothing(pair, shop):
    winner, loser = pair
    outcome = try_merge(loser_id=loser.pk, winner_id=winner.pk, now=now())
    assert (outcome.points.balance, outcome.points.debt) == (500, 0)
    loser.refresh_from_db()
    assert loser.state == "active"


# --- Undoing ------------------------------------------------------------------


def test_undoing_says_what_cannot_come_back(pair, done, signed_in):
    client = signed_in("loyalty manager")
    listed = text_of(client.get(reverse("admin:members_merge_changelist")))
    url = reverse("admin:merge_undo", args=[done.pk])
    assert url in listed
    assert "Undo the merge" in text_of(client.get(url))
    assert "Say why." in text_of(client.post(url, {"reason": ""}))
    assert client.post(url, {"reason": "two people"}).status_code == 302
    assert Member.objects.get(pk=pair[1].pk).state == "active"
    assert "undone already" in text_of(client.get(url))


def test_the_list_of_merges_offers_undoing_to_whom_it_is_allowed(done, signed_in):
    shown = text_of(signed_in("support").get(reverse("admin:members_merge_changelist")))
    assert reverse("admin:merge_undo", args=[done.pk]) not in shown


# --- What it costs ------------------------------------------------------------


def test_the_merge_page_costs_the_same_for_rich_and_poor(
    shop, signed_in, django_assert_max_num_queries
):
    client = signed_in("support")
    members = shop["members"]
    for winner, loser in ((members[3], members[7]), (members[8], members[0])):
        url = reverse("admin:member_merge", args=[winner.public_id, loser.public_id])
        with django_assert_max_num_queries(150):
            assert client.get(url).status_code == 200

"""Points in the server API."""

import pytest

from crm.shared.clock import now
from loyalty.models import PointsEntry, PointsFreeze
from loyalty.queries.points import points_summary
from members.services.merging import merge_members
from tests.cast import put_in_state
from tests.members.api.test_server import caller


@pytest.fixture
def till(db):
    return caller("points:read", "points:write")


def url(member):
    return f"/api/server/v1/members/{member.public_id}/points/entries"


def post(client, member, kind, **body):
    return client.post(
        url(member), {"kind": kind, "reason": "at the till", **body}, format="json"
    )


@pytest.mark.parametrize("kind", ["grant", "spend", "freeze"])
def test_a_source_moves_one_number_of_points(kind, till, alice):
    post(till, alice, "grant", points=500, source="pos:0")
    first = post(till, alice, kind, points=50, source="pos:1")
    assert first.status_code == 201
    other = post(till, alice, kind, points=40, source="pos:1")
    assert (other.status_code, other.json()["code"]) == (422, "source_reused")
    assert other.json()["params"] == {"points": 50}
    again = post(till, alice, kind, points=50, source="pos:1").json()
    assert again["entry"] == first.json()["entry"]
    assert again["points"] == first.json()["points"]


def test_grant_spend_freeze_unfreeze_revoke(till, alice):
    granted = post(till, alice, "grant", points=500, source="pos:1")
    assert granted.status_code == 201, granted.content
    assert granted.json()["entry"]["delta"] == 500
    again = post(till, alice, "grant", points=500, source="pos:1")
    assert again.json()["entry"] == granted.json()["entry"]

    spent = post(till, alice, "spend", points=100, source="pos:2").json()
    assert (spent["entry"]["delta"], spent["points"]["available"]) == (-100, 400)
    frozen = post(till, alice, "freeze", points=150, source="pos:3").json()
    assert (frozen["freeze"]["points"], frozen["points"]["available"]) == (150, 250)
    assert frozen["entry"] is None
    free = post(till, alice, "unfreeze", freeze=frozen["freeze"]["id"]).json()
    assert (free["freeze"]["state"], free["points"]["available"]) == ("released", 400)
    revoked = post(till, alice, "revoke", entry=granted.json()["entry"]["id"]).json()
    assert revoked["entry"]["kind"] == "claw_back"
    assert (revoked["points"]["available"], revoked["points"]["debt"]) == (0, 100)

    listed = till.get(url(alice)).json()["data"]
    assert [each["kind"] for each in listed] == ["claw_back", "spend", "grant"]
    assert PointsEntry.objects.get(kind="grant").actor == f"key:{till.key.public_id}"


@pytest.mark.parametrize("state", ["pending", "frozen", "closed"])
def test_p14_who_may_not_spend_spends_nothing_at_a_till(state, till, alice):
    post(till, alice, "grant", points=100, source="pos:0")
    spent = post(till, alice, "spend", points=10, source="pos:1").json()
    put_in_state(alice, state)
    refused = post(till, alice, "spend", points=10, source="pos:2")
    assert (refused.status_code, refused.json()["code"]) == (409, "member_not_active")
    assert points_summary(alice.pk, now()).balance == 90
    again = post(till, alice, "spend", points=10, source="pos:1")
    assert again.json()["entry"] == spent["entry"], "asked again, it is told again"


@pytest.mark.parametrize("kind", ["grant", "spend"])
def test_p4_a_request_made_again_after_a_merge_moves_nothing(
    kind, till, alice, bob, dana
):
    post(till, bob, "grant", points=200, source="pos:0")
    first = post(till, bob, kind, points=50, source="pos:1").json()
    merge_members(
        loser_id=bob.pk, winner_id=alice.pk, actor=dana, reason="one", now=now()
    )
    before = points_summary(alice.pk, now()).balance
    again = post(till, bob, kind, points=50, source="pos:1").json()
    assert again["entry"] == first["entry"]
    assert points_summary(alice.pk, now()).balance == before
    other = post(till, alice, kind, points=50, source="pos:2").json()
    assert other["entry"]["id"] != first["entry"]["id"]


def test_all_that_are_available_are_frozen(till, alice):
    post(till, alice, "grant", points=500, source="pos:1")
    assert post(till, alice, "freeze", source="pos:2").json()["freeze"]["points"] == 500


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("grant", {"points": 5}),
        ("grant", {"source": "a"}),
        ("grant", {"points": 0, "source": "a"}),
        ("grant", {"points": 5, "source": "a", "entry": "pte_1"}),
        ("spend", {"points": 5, "source": "with spaces"}),
        ("revoke", {}),
        ("unfreeze", {"points": 5}),
        ("steal", {"points": 5, "source": "a"}),
        ("grant", {"points": 5, "source": "a", "reason": ""}),
    ],
)
def test_what_does_not_fit_is_refused(till, alice, kind, body):
    answer = post(till, alice, kind, **body)
    assert answer.status_code == 400, answer.content
    assert not PointsEntry.objects.exists()


def test_too_few_points(till, alice):
    answer = post(till, alice, "spend", points=5, source="a")
    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_points")


def test_what_is_somebody_elses_is_not_found(till, alice, bob):
    granted = post(till, alice, "grant", points=500, source="a").json()
    frozen = post(till, alice, "freeze", points=5, source="b").json()
    assert post(till, bob, "revoke", entry=granted["entry"]["id"]).status_code == 404
    answer = post(till, bob, "unfreeze", freeze=frozen["freeze"]["id"])
    assert answer.status_code == 404
    assert points_summary(alice.pk, now()).frozen == 5


def test_scopes(alice):
    reader = caller("points:read")
    assert reader.get(url(alice)).status_code == 200
    assert post(reader, alice, "grant", points=5, source="a").status_code == 403
    writer = caller("points:write")
    assert writer.get(url(alice)).status_code == 403
    assert caller("members:write").get(url(alice)).status_code == 403
    assert not PointsFreeze.objects.exists()


def test_nobody_of_that_id(till):
    missing = f"/api/server/v1/members/mem_{'0' * 26}/points/entries"
    assert till.get(missing).status_code == 404


def test_a_merged_member_answers_as_who_stayed(till, alice, bob):
    """One way to name a member: below it every address follows a merge (ADR 0022)."""
    granted = post(till, alice, "grant", points=500, source="pos:1").json()["entry"]
    merge_members(
        winner_id=bob.pk, loser_id=alice.pk, reason="one", actor="tests", now=now()
    )
    for what in ("points/entries", "points/balance", "tier"):
        each = url(alice).replace("points/entries", what)
        reader = caller("points:read", "members:read")
        kept = each.replace(alice.public_id, bob.public_id)
        assert reader.get(each).json() == reader.get(kept).json()
    assert points_summary(bob.pk, now()).available == 500
    revoked = post(till, alice, "revoke", entry=granted["id"]).json()
    assert (revoked["entry"]["delta"], revoked["points"]["available"]) == (-500, 0)


@pytest.mark.parametrize(
    "path", ["points/entries", "points/balance", "loyalty-events", "tier"]
)
@pytest.mark.parametrize("name", ["erp/17", "M000000013"])
def test_only_the_public_id_names_a_member_below_it(till, path, name):
    """The member's number in another system, or the shop's, opens none of them."""
    assert till.get(f"/api/server/v1/members/{name}/{path}").status_code == 404


def test_why_so_many_are_available(till, alice):
    post(till, alice, "grant", points=500, source="pos:1")
    post(till, alice, "freeze", points=150, source="pos:2")
    address = f"{url(alice).removesuffix('entries')}balance"

    parts = till.get(address).json()

    assert (parts["balance"], parts["set_aside"], parts["available"]) == (500, 150, 350)
    assert caller("orders:read").get(address).status_code == 403
    nobody = address.replace(alice.public_id, f"mem_{'0' * 26}")
    assert till.get(nobody).status_code == 404


def test_p27_a_reason_code_is_kept_and_none_is_made_up(till, alice):
    entries = [
        post(till, alice, "grant", points=500, source="a", reason_code="campaign"),
        post(till, alice, "grant", points=500, source="b"),
        post(till, alice, "spend", points=5, source="c"),
    ]
    revoked = {"entry": entries[0].json()["entry"]["id"], "reason_code": "correction"}
    entries.append(post(till, alice, "revoke", **revoked))
    frozen = post(till, alice, "freeze", points=5, source="d", reason_code="fraud")
    post(till, alice, "unfreeze", freeze=frozen.json()["freeze"]["id"])
    codes = [
        PointsEntry.objects.get(public_id=each.json()["entry"]["id"]).reason_code
        for each in entries
    ]
    assert codes == ["campaign", "", "", "correction"]
    freeze = PointsFreeze.objects.get()
    assert (freeze.reason_code, freeze.end_reason_code) == ("fraud", "")


@pytest.mark.parametrize(("kind", "code"), [("grant", "because"), ("spend", "test")])
def test_p27_a_reason_code_is_one_of_the_list_and_not_of_spend(till, alice, kind, code):
    answer = post(till, alice, kind, points=5, source="a", reason_code=code)
    assert answer.status_code == 400, answer.content
    assert not PointsEntry.objects.exists()

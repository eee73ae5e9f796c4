import pytest
from django.db import connection

from crm.shared.jobs import cancel_job, enqueue, run_all_queued
from crm.shared.models import AuditEntry, Job
from members.models import DuplicatePair, MatchKeys, Member
from members.rules.merging import FIELDS
from members.services import finding_duplicates
from members.services.correcting import correct_member
from members.services.finding_duplicates import (
    PairDecided,
    dismiss_pair,
    plan_search,
    search_chunk,
)
from members.services.freezing import ReasonMissing
from members.tasks import find_duplicates
from tests.cast import NOON, make_member, put_in_state


def search(*, changed_only: bool = False, limit: int = 1_000) -> int:
    """Search everybody in chunks; return how many likely pairs were met."""
    after = pairs = 0
    while True:
        part = search_chunk(
            after_id=after, changed_only=changed_only, limit=limit, now=NOON
        )
        if not part.members:
            return pairs
        after, pairs = part.last_id, pairs + part.pairs


@pytest.fixture
def wang(db):
    return make_member(
        11, name="王静", phone="+8613812345678", birthday="1990-02-28", birth_month=2
    )


@pytest.fixture
def wang_again(wang):
    return make_member(12, name="Wang Jing", phone="+85212345678")


def pairs() -> list[tuple]:
    return list(DuplicatePair.objects.values_list("first", "second", "state"))


@pytest.mark.parametrize("limit", [1, 2, 1_000])
def test_one_number_written_in_two_ways_is_found(wang, wang_again, alice, limit):
    assert search(limit=limit) == 1

    pair = DuplicatePair.objects.get()
    assert (pair.first, pair.second, pair.score) == (wang, wang_again, 99)
    assert pair.reasons == ["same_last_eight_digits", "same_name_in_pinyin"]


def test_searching_again_changes_nothing(wang, wang_again):
    search()
    before = list(DuplicatePair.objects.values())
    assert search() == 1
    assert list(DuplicatePair.objects.values()) == before


def test_a_search_of_what_changed_looks_at_nobody_twice(wang, wang_again):
    search()
    part = search_chunk(after_id=0, changed_only=True, now=NOON)
    assert (part.members, part.pairs) == (0, 0)


def test_a_newcomer_meets_those_before(wang):
    search()
    make_member(12, name="Wang Jing", birthday="1990-02-28", birth_month=2)
    assert search(changed_only=True) == 1
    assert DuplicatePair.objects.get().first == wang


def test_who_is_corrected_is_compared_with_later_members(wang, wang_again):
    Member.objects.filter(pk=wang.pk).update(version=1)
    correct_member(member_id=wang.pk, changes={"phone": "13700000000"}, now=NOON)
    search()
    assert pairs() == []
    correct_member(member_id=wang.pk, changes={"phone": "13912345678"}, now=NOON)
    assert search(changed_only=True) == 1
    assert pairs() == [(wang.pk, wang_again.pk, "open")]


def test_an_open_pair_that_is_no_longer_alike_goes(wang, wang_again):
    search()
    correct_member(member_id=wang.pk, changes={"phone": "13700000000"}, now=NOON)
    search(changed_only=True)
    assert pairs() == []


def test_a_dismissed_pair_never_comes_back(wang, wang_again, dana):
    search()
    pair = DuplicatePair.objects.get()
    dismiss_pair(pair_id=pair.pk, reason="father and son", actor=dana, now=NOON)
    correct_member(member_id=wang.pk, changes={"region": "上海"}, now=NOON)
    assert search(changed_only=True) == search() == 0
    assert pairs() == [(wang.pk, wang_again.pk, "dismissed")]
    entry = AuditEntry.objects.get(action="duplicates.dismiss")
    assert (entry.actor, entry.reason) == ("dana", "father and son")


def test_dismissing_needs_a_reason_and_happens_once(wang, wang_again, dana):
    search()
    pair = DuplicatePair.objects.get()
    with pytest.raises(ReasonMissing):
        dismiss_pair(pair_id=pair.pk, reason=" ", actor=dana, now=NOON)
    assert pairs() == [(wang.pk, wang_again.pk, "open")]
    for _ in range(2):
        dismiss_pair(pair_id=pair.pk, reason="two people", actor=dana, now=NOON)
    assert AuditEntry.objects.count() == 1


def test_what_was_merged_cannot_be_dismissed(wang, wang_again, dana):
    search()
    DuplicatePair.objects.update(state="merged")
    with pytest.raises(PairDecided):
        dismiss_pair(
            pair_id=DuplicatePair.objects.get().pk, reason="x x", actor=dana, now=NOON
        )


def test_a_key_that_many_share_says_nothing(db, monkeypatch):
    monkeypatch.setattr(finding_duplicates, "MOST_SHARING", 3)
    for serial in range(20, 24):
        make_member(serial, name="李伟", birthday="1990-01-01", birth_month=1)
    assert search() == 6
    make_member(24, name="李伟", birthday="1990-01-01", birth_month=1)
    DuplicatePair.objects.all().delete()
    assert search() == 0


def test_merged_and_erased_members_are_left_out(wang, wang_again, alice):
    Member.objects.filter(pk=wang_again.pk).update(state="merged", merged_into=alice)
    assert search() == 0
    wang_again.merged_into = None
    put_in_state(wang_again, "erased")
    assert search() == 0


def test_keys_tell_nothing_without_the_index_key(wang):
    search()
    stored = b"".join(bytes(key) for key in MatchKeys.objects.get().keys)
    for secret in ("王静", "jing", "12345678", "1990-02-28"):
        assert secret.encode() not in stored


def test_the_statements_do_not_grow_with_members(db, django_assert_max_num_queries):
    def crowd(first):
        for serial in range(first, first + 6):
            make_member(serial, name="李伟", phone=f"+86138{serial:04d}1234")

    crowd(100)
    with django_assert_max_num_queries(9):
        search_chunk(after_id=0, changed_only=True, now=NOON)
    crowd(200)
    with django_assert_max_num_queries(9):
        search_chunk(after_id=0, changed_only=True, now=NOON)


def test_the_job_tells_how_far_it_came(wang, wang_again):
    job = enqueue(
        kind="members.find_duplicates", params={"all": True}, owner=None, now=NOON
    )
    run_all_queued()
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    assert job.result == {"members": 2, "pairs": 1}
    assert (job.done, job.total) == (2, 2)


def test_fields_that_can_be_chosen_are_fields_of_members():
    names = {field.attname for field in Member._meta.concrete_fields}
    assert {name for group in FIELDS.values() for name in group} <= names


def test_the_nightly_search_is_planned_once(wang, wang_again):
    assert find_duplicates() is True
    assert find_duplicates() is False
    assert plan_search(everybody=True, owner=None, now=NOON) is not None
    run_all_queued()
    assert pairs() == [(wang.pk, wang_again.pk, "open")]
    assert find_duplicates() is True


def test_a_cancelled_search_does_nothing(wang, wang_again):
    job = plan_search(everybody=False, owner=None, now=NOON)
    cancel_job(job_id=job.pk, actor="tests", now=NOON)
    run_all_queued()
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert pairs() == []


def test_a_key_is_looked_up_by_the_index_and_by_nothing_beside_it(cast_of_keys):
    """Without statistics, as in the first search of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN {finding_duplicates._PAIRS}",
            {"members": cast_of_keys, "most": 50, "changed_only": False},
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute(
            "SELECT reloptions FROM pg_class WHERE relname = 'match_keys_shared'"
        )
        (options,) = cursor.fetchone()
    assert "Bitmap Index Scan on match_keys_shared" in plan
    assert "Seq Scan on members_matchkeys" not in plan
    # Or every look-up also reads what was written just before.
    assert options == ["fastupdate=off"]


@pytest.fixture
def cast_of_keys(db) -> list[int]:
    """Write 5,000 members with five keys each, past the services; return some."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO members_member (public_id, number, state, name_tokens, gender, "
            "region, city, occupation, education, interests, language, source, is_demo, "
            "joined_at, version) SELECT 'mem_' || lpad(g::text, 26, '0'), 'X' || g, "
            "'active', '{}', '', '', '', '', '', '{}', 'en', '', true, now(), 0 "
            "FROM generate_series(1, 5000) g RETURNING id"
        )
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "INSERT INTO members_matchkeys (member_id, keys, version) "
            "SELECT id, ARRAY(SELECT decode(md5(id || ':' || k), 'hex') "
            "FROM generate_series(1, 5) k), 0 FROM unnest(%s::bigint[]) id",
            [ids],
        )
    return ids[:200]

"""Versions of a ladder: drafts, what they would do, and what they do."""

import random
from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.shared.models import Fact, Job
from loyalty.models import Ladder, LadderVersion, PointsAccount, Tier, VersionRung
from loyalty.queries.tier_base import classes, histogram
from loyalty.queries.tier_measures import counted
from loyalty.queries.tier_terms import main_ladder, terms_of_version
from loyalty.queries.tiers import tiers
from loyalty.queries.what_if import what_if
from loyalty.rules.windows import counts_from, moment_counted
from loyalty.services.earning import earn_for_order
from loyalty.services.pinning import pin_tier
from loyalty.services.posting import open_accounts
from loyalty.services.tier_nights import review_tiers
from loyalty.services.versioning import (
    AnotherIsScheduled,
    VersionNotDraft,
    VersionNotScheduled,
    VersionNotSound,
    begin_draft,
    begin_due_versions,
    discard_draft,
    publish_version,
    settle_version,
    take_back_version,
)
from tests.cast import NOON, make_member, put_in_state
from tests.loyalty.books import account_of, ladder_with, paid_order, standing_of

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


def draft(*, thresholds=(), now=NOON, of=None, **terms):
    ladder = Ladder.objects.get(code="main")
    version = begin_draft(ladder_id=ladder.pk, actor="test", now=now, of=of)
    LadderVersion.objects.filter(pk=version.pk).update(**terms)
    for code, threshold in dict(thresholds).items():
        rung = VersionRung.objects.filter(version=version, code=code)
        if threshold is None:
            rung.delete()
        else:
            rung.update(threshold_minor=threshold)
    version.refresh_from_db()
    return version


def publish(version, now=NOON):
    return publish_version(
        version_id=version.pk, actor="test", reason="spring", now=now
    )


def settle(version):
    after = 0
    while (
        last := settle_version(version_id=version.pk, after=after, limit=7)
    ) is not None:
        after = last


def crowd(count, *, seed=1):
    dice = random.Random(seed)
    members = []
    for serial in range(1, count + 1):
        member = make_member(serial, joined_at=NOON - dice.randrange(900) * DAY)
        for _order in range(dice.randrange(3)):
            at = NOON - dice.randrange(500) * DAY
            order = paid_order(member, dice.choice([10_000, 60_000, 500_000]), at=at)
            earn_for_order(order_id=order.pk, now=NOON)
        members.append(member)
    open_accounts(member_ids=[each.pk for each in members], now=NOON)
    return members


def holdings():
    return Counter(
        PointsAccount.objects.exclude(member__state__in=["frozen"]).values_list(
            "tier__code", flat=True
        )
    )


# --- What if ----------------------------------------------------------------------

CASES = {
    "higher thresholds": {"thresholds": {"gold": 300_000}},
    "lower thresholds": {"thresholds": {"platinum": 120_000}},
    "a tier less": {"thresholds": {"gold": None}},
    "the last year": {"window_days": 365},
    "terms": {"window": "year", "term": "end_of_period"},
    "anniversaries": {"window": "anniversary", "term": "months"},
    "by orders": {
        "metric": "orders",
        "thresholds": {"silver": 1, "gold": 2, "platinum": 3},
    },
    "at term end": {"thresholds": {"gold": 300_000}, "falls": "at_term_end"},
    "kept": {
        "thresholds": {"gold": 300_000},
        "falls": "keep",
        "keep_until": NOON + 90 * DAY,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_t13_what_if_counts_equal_those_after_publishing(db, case):
    members = crowd(40)
    put_in_state(members[0], "frozen")
    pin_tier(
        member_id=members[1].pk,
        ladder="main",
        tier="gold",
        until=None,
        reason="x",
        actor="test",
        now=NOON,
    )
    version = draft(**{"falls": "at_once", **CASES[case]})
    before = holdings()

    found = what_if(version, at=NOON)

    assert (
        sum((Counter({m.from_code: m.members}) for m in found.moves), Counter())
        == before
    )
    expected = sum((Counter({m.to_code: m.members}) for m in found.moves), Counter())
    assert holdings() == before, "T13: nobody is looked at"
    settle(publish(version))
    assert holdings() == expected
    assert found.members == 39
    assert what_if(draft(now=NOON), at=NOON).falling == 0
    assert review_tiers(now=NOON) == 0, "and the night finds nothing to add"


def test_t13_a_version_begins_on_its_day_and_not_before(alice):
    earn_for_order(order_id=paid_order(alice, 60_000).pk, now=NOON)
    version = draft(
        thresholds={"silver": 70_000}, falls="at_once", starts_at=NOON + DAY
    )
    publish(version)
    assert begin_due_versions(now=NOON + DAY - timedelta(seconds=1)) == 0
    assert review_tiers(now=NOON) == 0
    assert Tier.objects.get(code="silver").threshold_minor == 50_000

    assert begin_due_versions(now=NOON + DAY) == 1

    assert Tier.objects.get(code="silver").threshold_minor == 70_000
    assert Job.objects.get().kind == "loyalty.settle_version"
    settle(version)
    assert account_of(alice).tier.code == "member"
    settle(version)
    assert Fact.objects.filter(name="loyalty.TierChanged").count() == 2, "T11"


def test_t14_a_removed_tier_is_left_at_the_end_of_the_term(alice):
    ladder_with(window="year", term="end_of_period")
    earn_for_order(order_id=paid_order(alice, 150_000).pk, now=NOON)
    version = draft(thresholds={"gold": None}, falls="at_term_end")

    settle(publish(version))

    assert account_of(alice).tier.code == "gold"
    assert [tier.code for tier in tiers()] == ["member", "silver", "platinum"]
    end = standing_of(alice).valid_until
    assert review_tiers(now=end - timedelta(seconds=1)) == 0
    review_tiers(now=end)
    assert account_of(alice).tier.code == "silver"


def test_thresholds_may_change_places_and_one_can_go_back(alice):
    first = draft(thresholds={"silver": 100_000, "gold": 50_000})
    publish(first)
    assert [tier.code for tier in tiers()] == ["member", "gold", "silver", "platinum"]
    past = LadderVersion.objects.get(state="past")

    publish(draft(of=past.pk, now=NOON + DAY), now=NOON + DAY)

    assert [tier.code for tier in tiers()] == ["member", "silver", "gold", "platinum"]
    states = LadderVersion.objects.order_by("pk").values_list("state", flat=True)
    assert sorted(states) == ["live", "past", "past"]


def test_only_drafts_are_published_and_only_waiting_ones_taken_back(db):
    version = publish(draft())
    with pytest.raises(VersionNotDraft):
        publish(version)
    waiting = publish(draft(starts_at=NOON + DAY))
    with pytest.raises(AnotherIsScheduled):
        publish(draft(starts_at=NOON + 2 * DAY))
    how = {"actor": "test", "reason": "no", "now": NOON}
    assert take_back_version(version_id=waiting.pk, **how).state == "draft"
    with pytest.raises(VersionNotScheduled):
        take_back_version(version_id=waiting.pk, **how)
    discard_draft(version_id=waiting.pk, actor="test", now=NOON)
    assert not LadderVersion.objects.filter(pk=waiting.pk).exists()


@pytest.mark.parametrize(
    ("_case", "terms"),
    [
        ("no floor", {"thresholds": {"member": 1}}),
        ("two at one height", {"thresholds": {"silver": 100_000}}),
        ("nothing counted", {"metric": "none"}),
        ("periods without terms", {"window": "year"}),
    ],
)
def test_what_makes_no_ladder_is_not_published(db, _case, terms):
    with pytest.raises(VersionNotSound):
        publish(draft(**terms))


# --- The same in SQL and in the rules ---------------------------------------------


@pytest.mark.parametrize(
    "window", ["days", "month", "quarter", "half", "year", "anniversary"]
)
@pytest.mark.parametrize("metric", ["value", "spend", "points", "orders"])
def test_the_statement_counts_and_classes_as_the_rules_do(db, window, metric):
    ladder_with(window=window, window_days=200, metric=metric, term="end_of_period")
    heights = {"value": 60_000, "spend": 60_000, "points": 600, "orders": 1}[metric]
    Tier.objects.filter(code="silver").update(threshold_minor=heights)
    members = crowd(25, seed=7)
    for member in members[:9]:
        pin_tier(
            member_id=member.pk,
            ladder="main",
            tier="silver",
            until=NOON + DAY,
            reason="x",
            actor="test",
            now=NOON,
        )
    ladder = main_ladder()
    for at in (NOON + 2 * DAY, datetime(2027, 3, 1, tzinfo=ZONE)):
        found = counted(ladder, at=at, member_ids=[each.pk for each in members])
        expected = Counter()
        for each in found.values():
            if metric == "value":
                assert each.numbers["value"] == _value(ladder.terms, each, at, at)
                over = moment_counted(at, each.held.valid_until)
                assert each.to_keep["value"] == _value(ladder.terms, each, over, over)
            said = ladder.terms.measure(each.held.tier, each.numbers, each.to_keep)
            expected[each.held.tier, said] += 1
        classed = Counter()
        for kind in classes(ladder, ladder.terms, at=at):
            classed[kind.held.tier, kind.measured] += kind.members
        assert classed == expected
        bars = histogram(ladder, ladder.terms, at=at, top=1_000_000, bars=10)
        assert sum(bars) == len(members)


def _value(terms, each, moment, until):
    after = counts_from(
        moment,
        window=terms.window,
        window_days=terms.window_days,
        joined_at=each.joined_at,
        zone=terms.zone,
    )
    account = PointsAccount.objects.get(pk=each.member_id)
    entries = account.member.qualifying_entries.filter(
        occurred_at__gt=after, occurred_at__lte=until
    )
    return sum(entry.value_minor for entry in entries)


def test_terms_of_a_version_name_what_is_new_and_what_is_gone(db):
    version = draft(thresholds={"gold": None})
    VersionRung.objects.create(
        version=version, code="iron", name="Iron", threshold_minor=20_000
    )
    ladder = main_ladder()
    terms = terms_of_version(
        version, rungs=version.rungs.all(), tiers=ladder.tiers.values()
    )
    assert [(rung.code, rung.is_removed) for rung in terms.rungs] == [
        ("member", False),
        ("iron", False),
        ("silver", False),
        ("gold", True),
        ("platinum", False),
    ]

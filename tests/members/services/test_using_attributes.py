"""Values of attributes serve their purpose, and only while the member agrees."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from members.models import AttributeDefinition, AttributeValue, Consent
from members.queries import agreed
from members.rules.attributes import SERVICE, may_use
from members.services.retaining import apply_retention
from tests.cast import NOON, allow, make_member
from tests.members.people import later
from tests.members.services.test_attributing import define, say

USES = (SERVICE, "marketing", "profiling")


@pytest.fixture
def asked(alice):
    """Return a member who told something for each purpose, and agreed to nothing."""
    for use in USES:
        define(f"a-{use or 'service'}", "text", purpose=use, by_member=True)
    say(alice, **{f"a-{use or 'service'}": "x" for use in USES})
    return alice


def usable(member, use):
    rows = AttributeValue.objects.filter(member=member).usable(use)
    return set(rows.values_list("definition__code", flat=True))


def consent(member, purpose, channel, *, granted=True, at=NOON):
    Consent.objects.create(
        member=member,
        purpose=purpose,
        channel=channel,
        granted=granted,
        text_version="test",
        source="test",
        occurred_at=at,
    )


def test_without_a_word_only_the_service_uses_what_it_needs(asked):
    assert [usable(asked, use) for use in USES] == [{"a-service"}, set(), set()]


def test_a_consent_opens_one_purpose_and_its_withdrawal_shuts_it_at_once(asked):
    allow(asked, "sms")
    assert usable(asked, SERVICE) == {"a-service", "a-marketing"}
    assert usable(asked, "marketing") == {"a-marketing"}
    assert usable(asked, "profiling") == set()
    allow(asked, "sms", granted=False, at=later(seconds=1))
    assert [usable(asked, use) for use in USES] == [{"a-service"}, set(), set()]
    assert AttributeValue.objects.count() == 3


def test_the_consent_of_somebody_else_opens_nothing(asked, bob):
    allow(bob, "sms")
    assert usable(asked, "marketing") == set()


def test_a_new_purpose_needs_the_old_consent_too(asked):
    AttributeDefinition.objects.filter(code="a-marketing").update(purpose="profiling")
    consent(asked, "profiling", "any")
    assert "a-marketing" not in usable(asked, SERVICE) | usable(asked, "profiling")
    allow(asked, "sms")
    assert "a-marketing" in usable(asked, SERVICE)
    assert "a-marketing" not in usable(asked, "profiling") | usable(asked, "marketing")


def test_what_was_collected_for_marketing_does_not_become_service(asked):
    AttributeDefinition.objects.update(purpose=SERVICE)
    assert usable(asked, SERVICE) == {"a-service"}


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["marketing", "profiling"]),
        st.sampled_from(["any", "sms", "email"]),
        st.booleans(),
        st.integers(0, 2),
    ),
    max_size=6,
)


class OneQuestion(TestCase):
    """The filter in SQL and the rule in Python never differ."""

    @given(words=WORDS, collected=st.sampled_from(USES), today=st.sampled_from(USES))
    def test_filter_and_rule_agree(self, words, collected, today):
        member = make_member(1)
        definition = define("a", "text", purpose=today)
        AttributeValue.objects.create(
            member=member,
            definition=definition,
            plain="x",
            purpose=collected,
            collected_at=NOON,
        )
        for purpose, channel, granted, seconds in words:
            consent(
                member, purpose, channel, granted=granted, at=later(seconds=seconds)
            )
        purposes = agreed(member_id=member.pk)
        for use in USES:
            expected = all(may_use(each, use, purposes) for each in (collected, today))
            assert bool(usable(member, use)) is expected
            assert AttributeValue.objects.with_use(use).get().is_usable is expected


# --- Retention ------------------------------------------------------------------


@pytest.mark.parametrize(("days", "left"), [(180, 3), (181, 1)])
def test_what_nobody_may_use_goes_after_half_a_year(asked, days, left):
    apply_retention(now=later(days=days))
    assert AttributeValue.objects.count() == left


def test_what_was_withdrawn_lately_stays_and_what_holds_does_too(asked):
    allow(asked, "sms")
    consent(asked, "profiling", "any", granted=False, at=later(days=100))
    apply_retention(now=later(days=270))
    assert AttributeValue.objects.count() == 3
    apply_retention(now=later(days=281))
    assert usable(asked, SERVICE) == {"a-service", "a-marketing"}
    assert AttributeValue.objects.count() == 2


# --- Every reader ---------------------------------------------------------------

#: Modules that touch values without using them: they write, move, forget, or show
#: members their own.
KEEPERS = {
    "members/admin/attribute.py",
    "members/api/attributes.py",
    "members/api/profile_serializers.py",
    "members/merging.py",
    "members/models/__init__.py",
    "members/models/attribute.py",
    "members/personal_data.py",
    "members/queries.py",
    "members/services/attributing.py",
}
_TOUCHES = re.compile(r"AttributeValue\b|attribute_values|kept_values")
_ASKS = re.compile(r"\.(usable|with_use)\(")


def test_every_reader_asks_what_it_may_use():
    root = Path(settings.BASE_DIR)
    touching = {
        str(path.relative_to(root)): path.read_text()
        for app in (
            "members",
            "orders",
            "loyalty",
            "recommendations",
            "campaigns",
            "crm",
        )
        for path in (root / app).rglob("*.py")
        if "migrations" not in path.parts and _TOUCHES.search(path.read_text())
    }
    assert set(touching) >= KEEPERS
    careless = {
        path
        for path, text in touching.items()
        if path not in KEEPERS and not _ASKS.search(text)
    }
    assert not careless
    assert "crm/console/queries/profile.py" in touching

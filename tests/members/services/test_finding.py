import pytest

from members.models import Member
from members.queries import member_matches
from members.services.joining import join
from tests.cast import NOON


@pytest.fixture
def jing(db):
    join(name="李强", phone="13911115678", email="li@example.com", source="t", now=NOON)
    return join(
        name="王静", phone="13800001234", email="wang@example.com", source="t", now=NOON
    )


@pytest.mark.parametrize(
    "text",
    [
        "王静",
        "静",
        "wangj",
        "wj",
        "1234",
        "138 0000 1234",
        "+8613800001234",
        "WANG@example.com ",
        "NUMBER",
        "number",
    ],
)
def test_staff_find_a_member_by_what_they_know(jing, text):
    text = {"NUMBER": jing.number, "number": jing.number.lower()}.get(text, text)
    assert list(Member.objects.filter(member_matches(text))) == [jing]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "王婧",
        "123",
        "0001",
        "13800001235",
        "ang@example.com",
        "M000000000",
        "%",
        "x@",
    ],
)
def test_what_is_only_similar_finds_nobody(jing, text):
    assert not Member.objects.filter(member_matches(text)).exists()

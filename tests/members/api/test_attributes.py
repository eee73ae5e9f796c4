import pytest

from members.models import (
    AttributeChoice,
    AttributeDefinition,
    AttributeValue,
    Interest,
)

ATTRIBUTES = "/api/storefront/v1/me/attributes"
INTERESTS = "/api/storefront/v1/interests"


@pytest.fixture
def shop(db):
    """Return the definitions of a shop: two for members, one for staff."""
    size = AttributeDefinition.objects.create(
        code="size",
        name="尺码",
        name_en="Size",
        kind="choice",
        by_member=True,
        is_personal=False,
        purpose="profiling",
    )
    for code in ("s", "m"):
        AttributeChoice.objects.create(definition=size, code=code, name=code.upper())
    AttributeDefinition.objects.create(
        code="children", name="孩子", kind="number", by_member=True
    )
    AttributeDefinition.objects.create(code="risk", name="风险", kind="boolean")


def patch(client, **values):
    return client.patch(ATTRIBUTES, {"values": values}, format="json")


def test_members_read_and_write_what_is_theirs(jing, eve, shop):
    answer = patch(jing, size="m", children=2)
    assert answer.status_code == 200, answer.content
    children, size = answer.json()["data"]
    assert size == {
        "code": "size",
        "label": "Size",
        "kind": "choice",
        "purpose": "profiling",
        "options": [{"code": "s", "label": "S"}, {"code": "m", "label": "M"}],
        "value": "m",
        "source": "storefront",
        "collected_at": size["collected_at"],
    }
    assert (children["code"], children["value"]) == ("children", "2")
    assert jing.get(ATTRIBUTES).json() == answer.json()
    assert [row["value"] for row in eve.get(ATTRIBUTES).json()["data"]] == [None, None]


def test_members_see_what_they_told_also_where_they_do_not_agree(jing, shop):
    """The size is for recommendations, to which nobody agreed: kept, not used."""
    patch(jing, size="m")
    assert not AttributeValue.objects.usable("profiling").exists()
    assert jing.get(ATTRIBUTES).json()["data"][1]["value"] == "m"


def test_null_forgets(jing, shop):
    patch(jing, size="m")
    assert patch(jing, size=None).status_code == 200
    assert not AttributeValue.objects.exists()


def test_the_cost_does_not_grow_with_the_values(jing, shop, django_assert_num_queries):
    with django_assert_num_queries(4):
        jing.get(ATTRIBUTES)
    patch(jing, size="m", children=2)
    with django_assert_num_queries(4):
        jing.get(ATTRIBUTES)


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ({}, "required", 400),
        ({"values": {}}, "empty", 400),
        ({"values": []}, "not_a_dict", 400),
        ({"values": {"size": "m"}, "member": 1}, "unknown_field", 400),
        ({"values": {f"a{n}": 1 for n in range(51)}}, "max_length", 400),
        ({"values": {"size": "xl"}}, "invalid_attribute", 422),
        ({"values": {"size": ["m"]}}, "invalid_attribute", 422),
        ({"values": {"children": "two"}}, "invalid_attribute", 422),
        ({"values": {"children": {"a": {"b": 1}}}}, "invalid_attribute", 422),
        ({"values": {"risk": True}}, "attribute_unknown", 422),
        ({"values": {"size": "m", "nothing": 1}}, "attribute_unknown", 422),
    ],
)
def test_bad_values_are_refused_and_nothing_is_kept(jing, shop, body, code, status):
    answer = jing.patch(ATTRIBUTES, body, format="json")
    assert answer.status_code == status, answer.content
    problem = answer.json()
    codes = {problem["code"]} | {error["code"] for error in problem.get("errors", [])}
    assert code in codes
    assert not AttributeValue.objects.exists()


def test_the_vocabulary_of_interests(jing, db):
    Interest.objects.create(code="tea", name="茶", name_en="Tea")
    Interest.objects.create(code="fax", name="传真", is_active=False)
    assert jing.get(INTERESTS).json() == {"data": [{"code": "tea", "label": "Tea"}]}
    zh = jing.get(INTERESTS, headers={"Accept-Language": "zh-hans"})
    assert zh.json() == {"data": [{"code": "tea", "label": "茶"}]}


@pytest.mark.parametrize("path", [ATTRIBUTES, INTERESTS])
def test_strangers_and_typos_are_refused(client, jing, path):
    assert client.get(path).status_code == 401
    assert client.patch(path).status_code in {401, 405}
    assert jing.get(f"{path}?membr=1").json()["code"] == "unknown_parameter"

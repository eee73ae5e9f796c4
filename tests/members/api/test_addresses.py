import pytest

from members.models import Address

ADDRESSES = "/api/storefront/v1/me/addresses"
HOME = {"recipient": "王静", "street": "文三路 1 号", "city": "杭州市"}


def add(client, **lines):
    answer = client.post(ADDRESSES, {**HOME, **lines}, format="json")
    assert answer.status_code == 201, answer.content
    return answer


def test_an_address_is_added_and_read(jing):
    answer = add(jing, phone="138 0000 1234", label="家")
    body = answer.json()
    assert body == {
        "id": body["id"],
        "label": "家",
        "recipient": "王静",
        "phone": "+8613800001234",
        "country": "CN",
        "province": None,
        "city": "杭州市",
        "district": None,
        "street": "文三路 1 号",
        "postcode": None,
        "is_default": True,
    }
    assert body["id"].startswith("adr_")
    assert answer["Location"] == f"{ADDRESSES}/{body['id']}"
    assert jing.get(answer["Location"]).json() == body
    assert jing.get(ADDRESSES).json() == {"data": [body]}


def test_a_list_costs_the_same_for_one_and_for_many(jing, django_assert_num_queries):
    add(jing)
    with django_assert_num_queries(2):
        jing.get(ADDRESSES)
    for _each in range(5):
        add(jing)
    with django_assert_num_queries(2):
        assert len(jing.get(ADDRESSES).json()["data"]) == 6


def test_a_repeated_request_adds_one(jing):
    for _click in range(2):
        answer = jing.post(
            ADDRESSES, HOME, format="json", headers={"Idempotency-Key": "k-1"}
        )
        assert answer.status_code == 201
    assert Address.objects.count() == 1


def test_a_patch_changes_what_it_names(jing):
    first, second = add(jing).json(), add(jing, street="two").json()
    answer = jing.patch(
        f"{ADDRESSES}/{second['id']}",
        {"city": None, "postcode": "310012", "is_default": True},
        format="json",
    )
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        **second,
        "city": None,
        "postcode": "310012",
        "is_default": True,
    }
    order = [each["id"] for each in jing.get(ADDRESSES).json()["data"]]
    assert order == [second["id"], first["id"]]


def test_an_address_is_forgotten(jing):
    url = f"{ADDRESSES}/{add(jing).json()['id']}"
    assert jing.delete(url).status_code == 204
    assert jing.delete(url).status_code == 404
    assert not Address.objects.exists()


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ({}, "required", 400),
        ({**HOME, "street": ""}, "blank", 400),
        ({**HOME, "street": "x" * 201}, "max_length", 400),
        ({**HOME, "country": "China"}, "invalid", 400),
        ({**HOME, "slot": 3}, "unknown_field", 400),
        ({**HOME, "member": 1}, "unknown_field", 400),
        ({**HOME, "is_default": "perhaps"}, "invalid", 400),
        ({**HOME, "phone": "12"}, "invalid_profile", 422),
        ([], "invalid", 400),
    ],
)
def test_a_bad_address_is_refused_and_nothing_is_kept(jing, body, code, status):
    answer = jing.post(ADDRESSES, body, format="json")
    assert answer.status_code == status, answer.content
    problem = answer.json()
    codes = {problem["code"]} | {error["code"] for error in problem.get("errors", [])}
    assert code in codes
    assert not Address.objects.exists()


@pytest.mark.parametrize("body", [{"recipient": None}, {"street": ""}, {"id": "x"}])
def test_a_bad_patch_changes_nothing(jing, body):
    before = add(jing).json()
    url = f"{ADDRESSES}/{before['id']}"
    assert jing.patch(url, body, format="json").status_code == 400
    assert jing.get(url).json() == before


def test_the_twenty_first_is_refused(jing):
    for _each in range(20):
        add(jing)
    answer = jing.post(ADDRESSES, HOME, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_addresses")
    assert answer.json()["params"] == {"most": 20}


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_the_address_of_somebody_else_is_not_there(jing, eve, method):
    before = add(jing).json()
    url = f"{ADDRESSES}/{before['id']}"
    answer = getattr(eve, method)(url, {} if method == "patch" else None)
    assert answer.status_code == 404, answer.content
    assert eve.get(ADDRESSES).json() == {"data": []}
    assert jing.get(url).json() == before


@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_are_refused(client, db, method):
    assert getattr(client, method)(ADDRESSES).status_code == 401


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_strangers_are_refused_one_address(client, db, method):
    assert getattr(client, method)(f"{ADDRESSES}/adr_1").status_code == 401


def test_an_unknown_parameter_is_refused(jing):
    answer = jing.get(f"{ADDRESSES}?membr=1")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")

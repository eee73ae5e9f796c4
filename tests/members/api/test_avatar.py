import pytest

from members.models import Avatar
from members.rules.pictures import MOST_BYTES, kind_of
from tests.members.pictures import picture

AVATAR = "/api/storefront/v1/me/avatar"
ME = "/api/storefront/v1/me"


def put(client, data, kind="image/png"):
    return client.put(AVATAR, data, content_type=kind)


def test_a_picture_is_kept_shown_and_forgotten(jing, eve):
    assert jing.get(AVATAR).status_code == 404
    assert jing.get(ME).json()["avatar"] is None
    assert put(jing, picture("JPEG"), "image/jpeg").status_code == 204

    answer = jing.get(AVATAR)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert kind_of(answer.content) == "WEBP"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert jing.get(ME).json()["avatar"] == Avatar.objects.get().public_id

    assert eve.get(AVATAR).status_code == 404
    assert eve.delete(AVATAR).status_code == 204
    assert jing.get(AVATAR).status_code == 200
    assert jing.delete(AVATAR).status_code == 204
    assert jing.get(AVATAR).status_code == 404


def test_the_bytes_decide_and_not_the_name(jing):
    assert put(jing, picture("WEBP"), "image/gif").status_code == 204
    assert Avatar.objects.exists()


@pytest.mark.parametrize(
    ("_case", "data", "kind", "status"),
    [
        ("nothing", b"", "image/png", 422),
        ("a drawing that runs", b"<svg onload='x'/>", "image/svg+xml", 422),
        ("a GIF", picture("GIF"), "image/png", 422),
        ("too large", picture() + b"\0" * MOST_BYTES, "image/png", 422),
        ("JSON", b"{}", "application/json", 415),
    ],
)
def test_what_is_no_picture_is_refused(jing, _case, data, kind, status):
    answer = put(jing, data, kind)
    assert answer.status_code == status, answer.content
    assert not Avatar.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_strangers_are_refused(client, db, method):
    assert getattr(client, method)(AVATAR).status_code == 401

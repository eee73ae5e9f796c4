import pytest
from django.urls import reverse

from crm.shared.models import AuditEntry
from members.models import ConsentText
from tests.cast import publish
from tests.staff import client_in_role

ADD = reverse("admin:members_consenttext_add")
TEXT = {
    "purpose": "marketing",
    "version": "2026-11",
    "language": "en",
    "body": "May we?",
}


@pytest.mark.parametrize("role", ["marketer", "owner"])
def test_staff_publish_a_version(db, role):
    answer = client_in_role(role).post(ADD, TEXT)
    assert answer.status_code == 302, answer.content
    text = ConsentText.objects.get()
    assert (text.version, text.body) == ("2026-11", "May we?")
    assert AuditEntry.objects.get().action == "members.consenttext.add"


@pytest.mark.parametrize("role", ["support", "analyst", "auditor", "finance"])
def test_others_do_not(db, role):
    assert client_in_role(role).post(ADD, TEXT).status_code == 403
    assert not ConsentText.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"version": "a b"}, {"body": " "}, {"language": "x"}]
)
def test_a_bad_version_is_explained(db, wrong):
    answer = client_in_role("marketer").post(ADD, {**TEXT, **wrong})
    assert answer.status_code == 200
    assert not ConsentText.objects.exists()


def test_a_published_text_never_changes(db):
    text = publish()
    client = client_in_role("owner")
    assert "published already" in client.post(ADD, TEXT).content.decode()
    for page in ("change", "delete"):
        url = reverse(f"admin:members_consenttext_{page}", args=[text.pk])
        assert client.post(url, {**TEXT, "post": "yes"}).status_code == 403
    text.refresh_from_db()
    assert text.body == "May we send you offers?"

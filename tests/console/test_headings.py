"""Headings of a list: asked for by every row, made once."""

import pytest
from django.urls import reverse

from crm.console import headings

pytestmark = pytest.mark.django_db


def test_they_are_made_once_a_page(shop, signed_in, monkeypatch):
    make, made = headings._make, []
    monkeypatch.setattr(
        headings, "_make", lambda changelist: made.append(1) or make(changelist)
    )
    assert len(shop["members"]) > 1
    page = signed_in().get(reverse("admin:members_member_changelist"))
    assert page.status_code == 200
    assert made == [1]

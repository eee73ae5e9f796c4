"""The terms of points and of referrals speak of money."""

import pytest
from django.urls import reverse

from loyalty.models import Program, ReferralProgram
from tests.staff import client_in_role


def sent_of(client, url) -> dict:
    """Return what the browser would send back unchanged."""
    data = {}
    for bound in client.get(url).context["adminform"].form:
        value = bound.value()
        if value is True:
            data[bound.html_name] = "on"
        elif value is not None and value is not False:
            data[bound.html_name] = value
    return data


@pytest.fixture(params=["redeem_minor_per_100", "least_order_minor"])
def term(request, db):
    """One amount of the terms: its row, its name and its page."""
    model = {"redeem_minor_per_100": Program, "least_order_minor": ReferralProgram}
    row = model[request.param].objects.get()
    name = f"admin:loyalty_{row._meta.model_name}_change"
    return row, request.param, reverse(name, args=[row.pk])


@pytest.mark.parametrize(
    ("typed", "kept"), [("1.25", 125), ("7", 700), (" 0.01 ", 1), ("0", 0)]
)
def test_amounts_of_terms_are_typed_as_money(term, typed, kept):
    row, name, url = term
    client = client_in_role("owner")
    answer = client.post(url, sent_of(client, url) | {name: typed})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row.refresh_from_db()
    assert getattr(row, name) == kept
    assert f'value="{kept / 100:.2f}"' in client.get(url).content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "This field is required."),
        ("-1", "Enter an amount such as 12.30."),
        ("1.255", "Enter an amount such as 12.30."),
        ("21474836.48", "This amount is too large."),
    ],
)
def test_others_are_refused(term, typed, said):
    row, name, url = term
    client, before = client_in_role("owner"), getattr(row, name)
    answer = client.post(url, sent_of(client, url) | {name: typed})
    assert answer.context["adminform"].form.errors == {name: [said]}
    row.refresh_from_db()
    assert getattr(row, name) == before

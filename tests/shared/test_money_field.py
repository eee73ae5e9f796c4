"""The form field of an amount."""

import pytest
from django import forms

from crm.shared.money_field import MoneyField


class Form(forms.Form):
    """One amount."""

    amount = MoneyField(required=False)


@pytest.mark.parametrize(
    ("typed", "minor"), [("12.30", 1_230), (" 5 ", 500), ("", None)]
)
def test_amounts_are_kept_in_minor_units(typed, minor):
    form = Form({"amount": typed})
    assert form.is_valid()
    assert form.cleaned_data["amount"] == minor


@pytest.mark.parametrize("typed", ["1.234", "much", "1e3"])
def test_what_is_no_amount_is_refused(typed):
    assert Form({"amount": typed}).errors == {"amount": ["Enter an amount."]}


@pytest.mark.parametrize(("typed", "changed"), [("12.30", []), ("12.31", ["amount"])])
def test_an_amount_that_reads_the_same_has_not_changed(typed, changed):
    form = Form({"amount": typed}, initial={"amount": 1_230})
    assert form.changed_data == changed

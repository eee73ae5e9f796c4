"""Ratios are typed as what they mean and kept in basis points."""

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import CouponTemplate
from crm.shared.ratio_fields import PercentField, TimesField
from loyalty.models import EarningRule, LadderVersion, Plan, Program


@pytest.mark.parametrize(
    ("field", "kept", "shown"),
    [
        (PercentField, 2_000, "20"),
        (PercentField, 1_250, "12.5"),
        (PercentField, 1, "0.01"),
        (PercentField, 0, "0"),
        (PercentField, 10_000, "100"),
        (TimesField, 15_000, "1.5"),
        (TimesField, 10_000, "1"),
        (TimesField, 100_000, "10"),
        (TimesField, 12_345, "1.2345"),
    ],
)
def test_a_ratio_is_shown_and_kept(field, kept, shown):
    assert field().prepare_value(kept) == shown
    assert field().clean(shown) == kept
    assert not field().has_changed(kept, shown)
    assert field().has_changed(kept, "7")
    assert field().has_changed(kept, "seven")


@given(st.integers(0, 1_000_000))
def test_what_is_shown_is_what_was_kept(kept):
    for field in (PercentField(), TimesField()):
        assert field.clean(field.prepare_value(kept)) == kept


@pytest.mark.parametrize("text", ["ten", "12.345", "1e9", "NaN", "10001", ""])
def test_what_is_no_percentage_is_refused(text):
    with pytest.raises(ValidationError):
        PercentField().clean(text)


def test_what_was_typed_is_shown_again():
    assert PercentField().prepare_value("12,5") == "12,5"


FIELDS = [
    (CouponTemplate, "percent_bp", PercentField, "101"),
    (Program, "redeem_max_bp", PercentField, "101"),
    (EarningRule, "bonus_bp", PercentField, "10001"),
    (Plan, "multiplier_bp", TimesField, "1001"),
]


@pytest.mark.parametrize(("model", "name", "kind", "too_much"), FIELDS)
def test_forms_ask_for_ratios(model, name, kind, too_much, rf):
    page = admin.site._registry[model]
    field = page.formfield_for_dbfield(model._meta.get_field(name), rf.get("/"))
    assert type(field) is kind
    with pytest.raises(ValidationError):
        field.clean(too_much)


def test_so_do_the_rungs_of_a_ladder(rf):
    (inline,) = admin.site._registry[LadderVersion].inlines
    column = inline.model._meta.get_field("multiplier_bp")
    page = inline(LadderVersion, admin.site)
    assert type(page.formfield_for_dbfield(column, rf.get("/"))) is TimesField


def test_no_form_asks_for_basis_points(rf):
    for model, page in admin.site._registry.items():
        for column in model._meta.concrete_fields:
            if column.name.endswith("_bp") and isinstance(column, models.IntegerField):
                field = page.formfield_for_dbfield(column, rf.get("/"))
                assert isinstance(field, PercentField | TimesField), column

"""Words from the environment: one of a few, or a sentence that names them."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from crm.shared.environment import one_of


def test_a_known_word_is_taken_and_a_missing_one_is_the_default(monkeypatch):
    monkeypatch.setenv("CRM_PRICE", "today")
    asked = {"default": "lower"}
    assert one_of(Env(), "CRM_PRICE", "today", "lower", **asked) == "today"
    monkeypatch.delenv("CRM_PRICE")
    assert one_of(Env(), "CRM_PRICE", "today", "lower", **asked) == "lower"


def test_another_word_is_refused_by_the_name_of_its_variable(monkeypatch):
    monkeypatch.setenv("CRM_PRICE", "cheap")
    with pytest.raises(ImproperlyConfigured) as found:
        one_of(Env(), "CRM_PRICE", "today", "order_day", "lower", default="lower")
    sentence = "CRM_PRICE is 'cheap'; use today, order_day or lower."
    assert str(found.value) == sentence

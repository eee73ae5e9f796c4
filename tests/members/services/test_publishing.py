import pytest
from django.db import IntegrityError, connection, transaction

from members.models import ConsentText
from members.queries import consent_text
from members.services.publishing import BadText, TextIsPublished
from tests.cast import NOON, publish


def test_a_text_is_kept_word_for_word(db):
    text = publish("2026-11", body="May we?\n")
    text.refresh_from_db()
    assert (text.body, text.published_at, len(bytes(text.digest))) == (
        "May we?",
        NOON,
        32,
    )
    assert publish("2026-11", body="May we?") == text


def test_another_text_needs_another_version(db):
    publish("2026-11")
    with pytest.raises(TextIsPublished):
        publish("2026-11", body="May we, please?")
    assert ConsentText.objects.get().body == "May we send you offers?"


@pytest.mark.parametrize(
    ("version", "body"),
    [("", "x"), ("a b", "x"), ("x" * 41, "x"), ("1", " ")],
)
def test_no_version_and_no_words_are_refused(db, version, body):
    with pytest.raises(BadText):
        publish(version, body=body)
    assert not ConsentText.objects.exists()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE members_consenttext SET body = 'x'",
        "DELETE FROM members_consenttext",
        "TRUNCATE members_consenttext CASCADE",
    ],
)
def test_nobody_changes_what_was_asked(db, harm):
    publish()
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(harm)


def test_one_reads_the_newest_text_in_ones_language_else_in_any(db):
    publish("1")
    publish("2")
    publish("2", language="zh-hans", body="可以吗？")

    def found(**asked):
        text = consent_text(purpose="marketing", **asked)
        return text and (text.version, text.language)

    assert found(language="zh-hans") == ("2", "zh-hans")
    assert found(language="en") == ("2", "en")
    assert found(language="zh-hans", version="1") == ("1", "en")
    assert found(language="en", version="3") is None
    assert consent_text(purpose="profiling", language="en") is None

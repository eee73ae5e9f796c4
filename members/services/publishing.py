"""Publish what members are asked to agree to."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from members.models import ConsentText
from members.rules.consent import is_text_version, text_digest


class TextIsPublished(Refusal):
    """This version is published already."""

    code = "text_version_taken"
    message = _(
        "This version is published already. Texts never change: choose a new version."
    )


class BadText(Refusal):
    """A text needs a version such as 2026-11, and words."""

    code = "invalid_text"
    status = 422
    message = _("A text needs a version such as 2026-11, and words.")


def publish_text(
    *, purpose: str, version: str, language: str, body: str, now: datetime
) -> ConsentText:
    """Publish one text in one language; from now on it is the one asked with.

    Publishing the very same text again returns the first row.

    Args:
        version: letters, digits, dots and dashes, such as ``2026-11``.
        language: code of ``LANGUAGES``.
        body: plain text.

    Raises:
        TextIsPublished: the version is there in this language, in other words.
        BadText: no version, or no words.
    """
    body = body.strip()
    if not is_text_version(version) or not body:
        raise BadText
    digest = text_digest(purpose, version, language, body)
    text = ConsentText(
        purpose=purpose,
        version=version,
        language=language,
        body=body,
        digest=digest,
        published_at=now,
    )
    try:
        with transaction.atomic():
            text.save(force_insert=True)
    except IntegrityError as error:
        same = ConsentText.objects.filter(digest=digest).first()
        if same is None:
            raise TextIsPublished from error
        return same
    return text

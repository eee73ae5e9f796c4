"""E-mail through Django's configured back end (``CRM_EMAIL_URL``)."""

from django.core.mail import EmailMessage
from django.utils.translation import gettext, override

from campaigns.models import Message
from crm.shared.letters import Letter, WaysOut


class EmailChannel:
    """Plain e-mail. The provider sees the message id, so that it can drop a repeat.

    Whatever needs a consent carries the headers of RFC 8058, by which mail programs
    unsubscribe at one click, and says the same in words below the text.
    """

    leaves_the_house = True

    def address_of(self, message: Message) -> str:
        """Return the member's e-mail."""
        return message.member.email or ""

    def send(self, letter: Letter, address: str) -> None:
        """Send through the e-mail back end."""
        headers = {"X-Message-Id": letter.public_id}
        body = letter.body
        if letter.ways_out:
            headers["List-Unsubscribe"] = f"<{letter.ways_out.unsubscribe_url}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            body += _footer(letter.ways_out, letter.language)
        EmailMessage(
            subject=" ".join(letter.subject.split()),
            body=body,
            to=[address],
            headers=headers,
        ).send(fail_silently=False)


def _footer(ways: WaysOut, language: str) -> str:
    """Return how to stop it, in the reader's language."""
    with override(language):
        text = gettext(
            "Unsubscribe: %(unsubscribe)s\nChoose what we may send: %(preferences)s"
        )
    return "\n\n-- \n" + text % {
        "unsubscribe": ways.unsubscribe_url,
        "preferences": ways.preferences_url,
    }

"""E-mail through Django's configured back end (``CRM_EMAIL_URL``)."""

from django.core.mail import EmailMessage
from django.utils.translation import gettext, override

from campaigns.models import Message
from campaigns.services.messaging import purpose_of
from members.links import preferences_url, unsubscribe_url


class EmailChannel:
    """Plain e-mail. The provider sees the message id, so that it can drop a repeat.

    Whatever needs a consent carries the headers of RFC 8058, by which mail programs
    unsubscribe at one click, and says the same in words below the text.
    """

    leaves_the_house = True

    def address_of(self, message: Message) -> str:
        """Return the member's e-mail."""
        return message.member.email or ""

    def send(self, message: Message, address: str) -> None:
        """Send through the e-mail back end."""
        headers = {"X-Message-Id": message.public_id}
        body = message.body
        purpose = purpose_of(message.template)
        if purpose:
            link = unsubscribe_url(
                member=message.member.public_id,
                purpose=purpose,
                channel=message.channel,
            )
            headers["List-Unsubscribe"] = f"<{link}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            body += _footer(message, link)
        EmailMessage(
            subject=" ".join(message.subject.split()),
            body=body,
            to=[address],
            headers=headers,
        ).send(fail_silently=False)


def _footer(message: Message, link: str) -> str:
    """Return how to stop it, in the member's language."""
    with override(message.member.language or "zh-hans"):
        text = gettext(
            "Unsubscribe: %(unsubscribe)s\nChoose what we may send: %(preferences)s"
        )
    return "\n\n-- \n" + text % {
        "unsubscribe": link,
        "preferences": preferences_url(member=message.member.public_id),
    }

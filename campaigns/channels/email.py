"""E-mail through Django's configured back end (``CRM_EMAIL_URL``)."""

from django.core.mail import EmailMessage

from campaigns.models import Message


class EmailChannel:
    """Plain e-mail. The provider sees the message id, so that it can drop a repeat."""

    needs_consent = True

    def address_of(self, message: Message) -> str:
        """Return the member's e-mail."""
        return message.member.email or ""

    def send(self, message: Message, address: str) -> None:
        """Send through the e-mail back end."""
        EmailMessage(
            subject=" ".join(message.subject.split()),
            body=message.body,
            to=[address],
            headers={"X-Message-Id": message.public_id},
        ).send(fail_silently=False)

"""A phone or mailbox for the tests: what was sent, and who types it in."""

import json
import re

from django.core import mail
from django.test import Client

from members.services.sending_codes import send_due_codes
from tests.cast import NOON
from tests.members.api.signing_in import AUTH

PHONE = "138 0000 7788"
NUMBER = "+8613800007788"


class Handset:
    """Stands for the SMS gateway; keeps what would have left."""

    sent: list[tuple[str, str]] = []

    def send(self, message, address):
        self.sent.append((address, message.body))


class Visitor:
    """One app with one session token, going through the sign-in."""

    def __init__(self, **headers):
        self.headers = headers
        self.token = None

    def post(self, path, body):
        headers = dict(self.headers)
        if self.token:
            headers["X-Session-Token"] = self.token
        answer = Client().post(
            f"{AUTH}/{path}",
            json.dumps(body),
            content_type="application/json",
            headers=headers,
        )
        if answer["Content-Type"] == "application/json":
            self.token = (
                answer.json().get("meta", {}).get("session_token") or self.token
            )
        return answer

    def ask(self, **contact):
        return self.post("code/request", contact)

    def confirm(self, code, **more):
        return self.post("code/confirm", {"code": code, **more})

    def come_in(self, now=NOON, name="", **contact):
        """Ask, read the code, type it in."""
        asked = self.ask(**contact)
        assert asked.status_code == 401, asked.content
        return self.confirm(last_code(now), name=name)


def last_code(now=NOON):
    """Return the code of the newest SMS or mail."""
    send_due_codes(now=now)
    body = Handset.sent[-1][1] if Handset.sent else mail.outbox[-1].body
    return re.search(r"\d{6}", body)[0]

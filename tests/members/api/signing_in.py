"""What apps send to sign in."""

import json

from django.test import Client

ADDRESS = "Wang.Jing.Canary@Example.com"
PASSWORD = "correct-horse-7"
AUTH = "/_allauth/app/v1/auth"


def post(path, body, **headers):
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().post(path, data, content_type="application/json", headers=headers)


def sign_up(**body):
    return post(f"{AUTH}/signup", body)


def log_in(**body):
    return post(f"{AUTH}/login", body)

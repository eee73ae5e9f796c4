"""Open console pages in this process and say what each one cost.

``python -m benchmarks.console.opening LOGIN`` reads one JSON object a line,
``{"path", "rows"}``, and answers one: milliseconds in all and in SQL, statements,
bytes, and what the pattern ``rows`` finds on the page, each once, in order.
``DJANGO_SETTINGS_MODULE`` says whose pages they are: ours, or the stock admin's.
"""

# isort: off
import django

django.setup()
# isort: on

import json
import re
import sys
import time
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from crm.runner.web import when_ready

BACKEND = "django.contrib.auth.backends.ModelBackend"


def main(login: str) -> None:
    """Answer until nobody asks any more."""
    client = Client()
    client.force_login(get_user_model().objects.get(username=login), backend=BACKEND)
    # As the web server does before it serves, for both of them.
    when_ready(server=None)
    for line in sys.stdin:
        print(json.dumps(open_page(client, **json.loads(line))), flush=True)


def open_page(client: Client, path: str, rows: str) -> dict[str, Any]:
    """Open ``path`` and return what it cost and what ``rows`` finds on it."""
    spent: list[float] = []

    def timed(execute, sql, params, many, context) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spent.append(time.perf_counter() - started)

    with connection.execute_wrapper(timed):
        started = time.perf_counter()
        answer = client.get(path)
        seconds = time.perf_counter() - started
    assert answer.status_code == 200, (answer.status_code, path)
    return {
        "ms": seconds * 1000,
        "sql_ms": sum(spent) * 1000,
        "statements": len(spent),
        "size": len(answer.content),
        "rows": list(dict.fromkeys(re.findall(rows, answer.content.decode()))),
    }


if __name__ == "__main__":
    main(sys.argv[1])

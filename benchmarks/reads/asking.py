"""Asks the shop's WSGI application, middleware and sign-in included, without a network.

What HTTP costs is the same for everybody and would only hide what differs.
"""

import io
import sys
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.wsgi import get_wsgi_application

from benchmarks.reads import drf_views, plain_views
from crm.urls import urlpatterns as of_the_shop

#: The shop's addresses and those of its peers; this module is their ``ROOT_URLCONF``.
urlpatterns = [*of_the_shop, *plain_views.urlpatterns, *drf_views.urlpatterns]


@dataclass(frozen=True, slots=True)
class Shop:
    """A browser of somebody, in English."""

    application: Any
    cookie: str = ""

    @classmethod
    def opened(cls) -> "Shop":
        """Return a visitor's."""
        return cls(get_wsgi_application())

    def get(self, address: str) -> bytes:
        """Return the body at an address.

        Raises:
            RuntimeError: the answer is not 200.
        """
        path, _mark, query = address.partition("?")
        answer: list[str] = []
        body = self.application(
            {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "SCRIPT_NAME": "",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "HTTP_HOST": "localhost",
                "HTTP_ACCEPT_LANGUAGE": "en",
                "HTTP_COOKIE": f"sessionid={self.cookie}" if self.cookie else "",
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(),
                "wsgi.errors": sys.stderr,
            },
            lambda status, _headers: answer.append(status),
        )
        text = b"".join(body)
        body.close()
        if not answer[0].startswith("200"):
            raise RuntimeError(f"{address}: {answer[0]} {text[:300]!r}")
        return text

    def read(self, address: str) -> Any:
        """Return what the JSON at an address says."""
        return orjson.loads(self.get(address))

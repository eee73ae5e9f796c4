"""Pictures at the doors: read no further than allowed, answered without guessing."""

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import BaseParser

from crm.shared.errors import Refusal
from crm.shared.picture_files import MOST_BYTES

WEBP = "image/webp"


class BadPicture(Refusal):
    """This picture cannot be used."""

    code = "invalid_picture"
    status = 422
    message = _("Use a PNG, JPEG or WebP picture of at most 2 MB.")


class PictureParser(BaseParser):
    """The bytes of a picture, whatever kind it says it is; the bytes decide."""

    media_type = "image/*"

    def parse(self, stream, media_type=None, parser_context=None) -> bytes:
        """Return the body, never reading more than may be kept.

        Raises:
            BadPicture: it is larger.
        """
        data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise BadPicture
        return data


def picture_response(picture: bytes) -> HttpResponse:
    """Return a WebP that no cache keeps and no browser takes for anything else."""
    return HttpResponse(
        picture,
        content_type=WEBP,
        headers={
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'",
        },
    )


def public_picture_response(picture: bytes) -> HttpResponse:
    """Return a WebP that anybody may see and caches keep: its address never changes."""
    response = picture_response(picture)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response

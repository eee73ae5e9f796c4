"""How a picture is answered: shown by browsers, neither guessed at nor kept."""

from django.http import HttpResponse

WEBP = "image/webp"


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

"""How a picture is answered: shown by browsers and never guessed at."""

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


def public_picture_response(picture: bytes) -> HttpResponse:
    """Return a WebP that anybody may see and caches keep: its address never changes."""
    response = picture_response(picture)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response

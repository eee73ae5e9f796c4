"""Names in the language of the shop, and in English where somebody wrote one."""

from collections.abc import Callable

from django.utils.translation import get_language


def request_reader() -> Callable[[str, str], str]:
    """Return how whoever asks reads a name and its English: ask once for many."""
    if (get_language() or "en").startswith("en"):
        return _english_if_there_is_one
    return _own


def _english_if_there_is_one(name: str, name_en: str) -> str:
    return name_en or name


def _own(name: str, _name_en: str) -> str:
    return name


def in_request_language(name: str, name_en: str) -> str:
    """Return the English name to readers of English, if there is one."""
    return request_reader()(name, name_en)


class Bilingual:
    """Gives a model with ``name`` and ``name_en`` the name to show."""

    name: str
    name_en: str

    @property
    def label(self) -> str:
        """Return the name in the language of this request."""
        return in_request_language(self.name, self.name_en)

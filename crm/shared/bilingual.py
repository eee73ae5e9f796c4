"""Names in the language of the shop, and in English where somebody wrote one."""

from django.utils.translation import get_language


def request_reads_english() -> bool:
    """Tell whether whoever asks reads English; ask once for many names."""
    return (get_language() or "en").startswith("en")


def in_request_language(name: str, name_en: str) -> str:
    """Return the English name to readers of English, if there is one."""
    return name_en if name_en and request_reads_english() else name


class Bilingual:
    """Gives a model with ``name`` and ``name_en`` the name to show."""

    name: str
    name_en: str

    @property
    def label(self) -> str:
        """Return the name in the language of this request."""
        return in_request_language(self.name, self.name_en)

"""The one exception of this package."""


class CannotRun(Exception):  # noqa: N818  (reads as a sentence where it is raised)
    """Something needed to run is missing or in the way; the text says what to do."""

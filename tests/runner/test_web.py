"""What gunicorn does when it begins to serve."""

import gc

from crm.runner import web


def test_what_was_imported_is_not_searched_for_garbage():
    before = gc.get_freeze_count()
    web.when_ready(server=None)
    try:
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()

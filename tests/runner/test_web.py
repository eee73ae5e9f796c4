"""What gunicorn does when it begins to serve."""

import gc

from crm.runner import web


def test_what_was_imported_is_not_searched_for_garbage():
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    web.when_ready(server=None)
    try:
        assert gc.get_freeze_count() > before + 10_000
        assert gc.get_threshold() == (10_000, *thresholds[1:])
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)

"""What every caller of the API finds."""

import pytest

from tests.api.world import make_world


@pytest.fixture
def world(alice, mallory):
    """Return the ids of what is Alice's, by the names that paths use."""
    return make_world(alice)

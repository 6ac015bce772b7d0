"""What the tests of circuits share."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(1)

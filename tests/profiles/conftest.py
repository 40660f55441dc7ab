import pytest
from toy import toy_profile

from compress.profiles import Profile


@pytest.fixture
def profile() -> Profile:
    return toy_profile()

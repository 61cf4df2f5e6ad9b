"""The settings of the clusters that are mistreated: those of the tests, with handlers that leave traces."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos"]
LOGGING["root"]["level"] = "INFO"

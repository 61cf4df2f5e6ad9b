"""The settings of clusters that run a host's own tasks beside the engine's jobs: those of the tests, with an app of the host."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "tests.operations"]
LOGGING["root"]["level"] = "INFO"

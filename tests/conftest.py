"""What all tests share: the persons, and the second pass over the tests that need a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as drawing
from hypothesis.internal.conjecture import providers

# The same examples in every run, however slow the machine: what fails, fails for everybody. `--hypothesis-profile explore` looks for more.
STEADY: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
drawing.register_profile("steady", derandomize=True, **STEADY)
drawing.register_profile("explore", max_examples=2_000, **STEADY)
drawing.load_profile("steady")

ONCE = ("tests/browser/",)
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback", "live_server", "own_database"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only tests that use the database: for a pass on another one")


def pytest_configure(config: pytest.Config) -> None:
    """Else the numbers and texts of all our modules that happen to be loaded would be drawn too, and so others in every process."""
    if not config.getoption("hypothesis_profile"):
        providers.is_local_module_file = lambda path: False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a second database, what needs none, or is marked `once`, would only show the same again."""
    if not config.getoption("database_only"):
        return
    left_out = [item for item in items if _is_once(item) or not _uses_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _is_once(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("once")) or item.nodeid.startswith(ONCE)


def _uses_database(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A request in another language leaves its thread in that language; the next test begins in its own."""
    before = translation.get_language()
    yield
    if translation.get_language() != before:
        translation.activate(before) if before else translation.deactivate_all()


@pytest.fixture(autouse=True)
def no_hurry(settings: Any) -> None:
    """Who drains in a test comes to the end of what is due, however slow the machine is."""
    settings.ENGINE_JOB_SLICE = 600.0


@pytest.fixture
def customers(db: None) -> Group:
    """The group whose members may start processes."""
    group = Group.objects.create(name="customers")
    group.permissions.set(Permission.objects.filter(content_type__app_label="towpath", codename="start_instance"))
    return group


@pytest.fixture
def alice(customers: Group) -> User:
    """May start processes, and works on what they give her."""
    user = User.objects.create_user("alice", "alice@example.org", "alice")
    user.groups.add(customers)
    return user


@pytest.fixture
def bob(customers: Group) -> User:
    """As alice, and in the group kitchen."""
    user = User.objects.create_user("bob", "bob@example.org", "bob")
    user.groups.add(customers, Group.objects.get_or_create(name="kitchen")[0])
    return user


@pytest.fixture
def charlie(db: None) -> User:
    """Has no rights."""
    return User.objects.create_user("charlie", "charlie@example.org", "charlie")


@pytest.fixture
def admin(db: None) -> User:
    """May everything."""
    return User.objects.create_superuser("admin", "admin@example.org", "admin")

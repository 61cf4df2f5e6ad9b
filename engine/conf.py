"""Every setting of the engine: its name, type, default and why one would change it, in one table.

A host sets `ENGINE_<NAME>` in its Django settings; each is read when it is first used, for a call of a service reads two dozen of them,
and again after `override_settings`.
The rooms that know nothing of Django (`interpreter`, `bpmn`, `expressions`) get values as arguments and never import this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any, Generic, TypeVar, overload

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

PREFIX = "ENGINE_"

Numbers = dict[str, float]
Value = bool | int | float | str | Numbers
T = TypeVar("T", bool, int, float, str, Numbers)


class Setting(Generic[T]):
    """One row of the table: its default fixes its type; `allowed` lists the only values, `least` is the smallest."""

    name: str
    full: str  # as the host writes it

    def __init__(self, default: T, why: str, *, least: float = 0, allowed: tuple[T, ...] = ()) -> None:
        self.default: T = default
        self.allowed: tuple[T, ...] = allowed
        self.why, self.least = why, least

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.full = name, PREFIX + name

    @overload
    def __get__(self, instance: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Setting[T] | T:
        if instance is None:
            return self
        value: T = getattr(django_settings, self.full, self.default)
        vars(instance)[self.name] = value
        return value

    @property
    def type(self) -> type[T]:
        return type(self.default)

    def problem(self, value: object) -> str | None:
        """What is wrong with a value, or None."""
        if not _accepted(value, self.type):
            return f"must be {_SPOKEN[self.type]}, not {value!r}"
        if self.allowed and value not in self.allowed:
            return f"must be one of {', '.join(map(repr, self.allowed))}, not {value!r}"
        for number in value.values() if isinstance(value, dict) else [value]:
            if isinstance(number, int | float) and not self.least <= number < inf:  # so that NaN is refused too
                return f"must be at least {self.least:g}, not {value!r}"
        return None


_ACCEPTED: Mapping[type, Any] = {bool: bool, int: int, float: (int, float), str: str, dict: dict}
_SPOKEN: Mapping[type, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text", dict: 'names with numbers, as {"name": 1}',
}  # fmt: skip


def _accepted(value: object, kind: type) -> bool:
    if isinstance(value, dict) and kind is dict:
        return all(isinstance(name, str) and _accepted(number, float) for name, number in value.items())
    return isinstance(value, _ACCEPTED[kind]) and (kind is bool or not isinstance(value, bool))


KILO, MEGA = 1024, 1024 * 1024


class Settings:
    """The table itself: read as `settings.JOB_RETRIES`. Times are in seconds, sizes in bytes."""

    HISTORY = Setting("full", "how much of the past is kept", allowed=("full", "activity", "none"))
    BASIC_AUTH = Setting(False, "user name and password at the REST doors; off, they take sessions and bearer tokens alone")

    JOB_RETRIES = Setting(3, "attempts of a job in all, before it becomes a dead letter", least=1)
    JOB_RETRY_WAIT = Setting(10.0, "from a failed attempt to the next")
    JOB_LEASE = Setting(30.0, "a job is free again so long after its worker died", least=1)
    JOB_SLICE = Setting(1.5, "a worker drains so long before it asks for new work, and for a stop", least=0.1)
    JOB_BATCH = Setting(10, "most jobs that a worker claims at once", least=1)
    JOB_TIMEOUT = Setting(600, "a worker busy with one job for longer is killed, and the attempt counts", least=1)
    JOB_MEMORY = Setting(2048 * MEGA, "a worker that a job makes larger has no more memory: the attempt fails; 0 is no limit (Linux)")
    WORKER_MEMORY = Setting(512 * MEGA, "a worker that has grown larger is replaced, once the job that it runs has ended; 0 never")
    STOP_TIMEOUT = Setting(20, "a cluster that is told to stop lets running jobs finish for so long", least=1)
    POLL_INTERVAL = Setting(0.2, "how often an idle cluster looks for work where the database cannot wake it (SQLite)", least=0.01)
    NOTIFY = Setting(True, "wake the cluster through PostgreSQL's NOTIFY; off behind a pooler in transaction mode")

    RETENTION_DAYS = Setting(0.0, "ended instances are removed after so many days, with all that belongs to them; 0 keeps them for ever")
    RETENTION = Setting(dict[str, float](), "days for single processes, by their key; in the environment as JSON")
    RETENTION_BATCH = Setting(100, "most instances that are removed in one transaction", least=1)
    RETENTION_INTERVAL = Setting(3600.0, "how often the cluster removes what is to go", least=1)

    METRICS_TOKEN = Setting("", "bearer token for /metrics; without one it answers callers on the same machine, and operators")

    SCRIPT_TIME = Setting(5.0, "CPU time that one script may use", least=0.01)
    SCRIPT_MEMORY = Setting(64 * MEGA, "memory that one script may use", least=MEGA)
    SCRIPT_SLEEP = Setting(60.0, "longest that one script may sleep, all its sleeps together")
    HANDLER_TIMEOUT = Setting(30.0, "an HTTP or mail task waits so long for the other side", least=0.1)
    MAX_STEPS = Setting(1_000_000, "steps in one unit of work; more is taken for a loop that never waits", least=100)

    MAX_XML_SIZE = Setting(10 * MEGA, "largest model file", least=KILO)
    MAX_XML_DEPTH = Setting(500, "deepest nesting of a model's XML", least=10)
    MAX_ZIP_SIZE = Setting(50 * MEGA, "largest archive, packed and unpacked", least=KILO)
    MAX_ZIP_ENTRIES = Setting(1000, "most files in an archive", least=1)
    MAX_ZIP_RATIO = Setting(200, "an entry that unpacks to more than so many times its size is refused", least=1)
    MAX_BODY = Setting(10 * MEGA, "largest body of a REST request that is no upload", least=KILO)
    MAX_JSON_DEPTH = Setting(50, "deepest nesting of a JSON body or value", least=5)
    MAX_VARIABLE_SIZE = Setting(10 * MEGA, "largest value of one variable", least=KILO)
    MAX_TEXT_FIELD = Setting(4000, "longest text that a form field takes, in characters", least=1)
    LARGE_VARIABLE = Setting(64 * KILO, "a larger value gets a row of its own, beside the variables", least=KILO)

    API_RATE = Setting(0, "calls a minute that one client may make to `/api/` and `/external-job-api/`, in each web process; 0 is no limit")
    SERVICES_TRUSTED = Setting(False, "trust whoever reaches `/services/`, and the `user` and `group` he names: only behind a gateway")
    SERVICES_COMPATIBLE = Setting(False, "Automatiko to the letter where `/services/` is stricter: unknown modes, keys with slashes ...")
    SERVICES_RATE = Setting(0, "calls a minute that one client may make to `/services/`, in each web process; 0 is no limit")
    CALLBACK_TRIES = Setting(12, "attempts to deliver a callback in all, before it is dead", least=1)
    CALLBACK_WAIT = Setting(1.0, "from the first failed delivery to the next; it doubles from try to try", least=0.01)
    CALLBACK_MAX_WAIT = Setting(3600.0, "longest wait between two deliveries", least=0.01)
    CALLBACK_TIMEOUT = Setting(10.0, "a receiver has to take a callback and answer within so long, all in all", least=0.1)
    CALLBACK_THREADS = Setting(32, "callbacks that a cluster has under way at once", least=1)
    CALLBACK_PER_HOST = Setting(4, "most of them to one receiver (scheme, host and port)", least=1)
    CALLBACK_RESPONSE = Setting(16 * KILO, "so much of a receiver's answer is kept", least=1)
    CALLBACK_TARGETS = Setting("", "the only receivers, as patterns with commas: `https://*.example.com/hooks/`; none: any public one")
    CALLBACK_ALLOW = Setting("", "private networks that callbacks may go to, with commas: `10.1.0.0/16,127.0.0.1`")
    CALLBACK_AUTH = Setting("", "how callbacks log in, as JSON: see docs/services.md")
    CALLBACK_SECRET = Setting("", "what callbacks are signed with (`whsec_...`), several with commas while they change; none: unsigned")

    PAGE_SIZE = Setting(25, "entries on one page of a list", least=1)
    MAX_PAGE_SIZE = Setting(1000, "most entries that a caller gets in one page", least=1)


settings = Settings()


def table() -> Iterator[Setting[Any]]:
    """All settings in the order in which they are written down."""
    return (row for row in vars(Settings).values() if isinstance(row, Setting))


def _forget(*, setting: str, **_: object) -> None:
    vars(settings).pop(setting.removeprefix(PREFIX), None)


setting_changed.connect(_forget, dispatch_uid="towpath.conf")


def from_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    """The settings that the environment gives, as Django settings; raises ImproperlyConfigured for a value that is none."""
    return {row.full: _value(row, environ[row.full]) for row in table() if row.full in environ}


def _value(row: Setting[Any], text: str) -> Value:
    try:
        value = _READ[row.type](text)
    except (KeyError, ValueError):
        raise ImproperlyConfigured(f"{row.full} must be {_SPOKEN[row.type]}, not {text!r}") from None
    if said := row.problem(value):
        raise ImproperlyConfigured(f"{row.full} {said}")
    return value


_TRUTH = {word: value for value, words in ((True, "1 true yes on"), (False, "0 false no off")) for word in words.split()}
_READ: Mapping[type, Callable[[str], Value]] = {
    bool: lambda text: _TRUTH[text.lower()],
    int: int,
    float: float,
    str: str,
    dict: json.loads,
}

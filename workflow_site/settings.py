"""The site's settings: everything that differs between machines comes from the environment (or `.env`), nothing else does.

Safe when nothing is said: DEBUG is off, a secret must be given, cookies and links are for HTTPS.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from engine import conf
from workflow_site import environment

BASE_DIR = Path(__file__).resolve().parent.parent
ENV = environment.read(BASE_DIR)
VAR_DIR = BASE_DIR / "var"


def _flag(name: str, default: bool) -> bool:
    return environment.flag(ENV[name], name) if name in ENV else default


# --- what kind of site ------------------------------------------------------------------------------------------------------

DEBUG = _flag("DEBUG", False)
DEMO = _flag("DEMO", DEBUG)
HTTPS = _flag("HTTPS", not DEBUG)
ALLOWED_HOSTS = environment.names(ENV.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else ""))
CSRF_TRUSTED_ORIGINS = environment.names(ENV.get("CSRF_TRUSTED_ORIGINS", ""))


def _secret_key() -> str:
    """From the environment; a developer's machine makes one and keeps it."""
    if given := ENV.get("SECRET_KEY"):
        return given
    if not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY must be set where DEBUG is off: a long random text, the same on every machine of the site.")
    path = VAR_DIR / "secret_key"
    if not path.exists():
        _keep_secret(path, secrets.token_urlsafe(50))
    return path.read_text(encoding="ascii")


def _keep_secret(path: Path, secret: str) -> None:
    """Written whole or not at all: another process may look for it at the same moment."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(secret, encoding="ascii")
    with suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "engine",  # before the admin, whose index it replaces
    "tasks_ui",
    *(["engine.examples.pizza"] if DEMO else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_q",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "workflow_site.middleware.request_id",
    "workflow_site.middleware.ShortWay",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "workflow_site.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workflow_site.middleware.innermost",
]

ROOT_URLCONF = "workflow_site.urls"
WSGI_APPLICATION = "workflow_site.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- database ---------------------------------------------------------------------------------------------------------------

_WAL = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"


# A database that is gone without a word (a cable, a firewall) is noticed within a minute; libpq's names, in seconds and milliseconds.
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}


def _database(url: str) -> dict[str, Any]:
    """Connections stay open. SQLite's writers take the lock when they begin, not when it is too late to wait for it."""
    found: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True)}
    if found["ENGINE"].endswith("sqlite3"):
        found.setdefault("OPTIONS", {}).update(transaction_mode="IMMEDIATE", timeout=20, init_command=_WAL)
        if found["NAME"] != ":memory:":
            found["NAME"] = BASE_DIR / found["NAME"]
            found["NAME"].parent.mkdir(parents=True, exist_ok=True)
        return found
    if found["ENGINE"] != "django.db.backends.postgresql":
        return found
    found["ENGINE"] = "workflow_site.postgresql"
    found["OPTIONS"] = {**_KEEPALIVE, **found.get("OPTIONS", {})}
    if _flag("ENGINE_NOTIFY", True):
        # Statements that come again are prepared: that halves the time of a unit. Not behind a pooler in transaction mode.
        found.setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=5)
        # Compiling a query takes longer than any of ours runs, on however many rows; and what indexes find is read from memory or an
        # SSD, where PostgreSQL's default thinks of a turning disk. (What the address says of `options` counts.)
        found["OPTIONS"].setdefault("options", "-c jit=off -c random_page_cost=1.1")
    return found


DATABASES = {"default": _database(ENV.get("DATABASE_URL") or "sqlite:///var/towpath.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the engine, and django-q2 below it -------------------------------------------------------------------------------------

_ENGINE = conf.from_environment(ENV)
globals().update(_ENGINE)

# A package of our cluster drains for a slice and then ends the job it is at; django-q2 wants `retry` above `timeout`, both whole.
_LONGEST = int(_ENGINE.get("ENGINE_JOB_TIMEOUT", conf.Settings.JOB_TIMEOUT.default)) + 60

Q_CLUSTER: dict[str, Any] = {
    "name": "towpath",
    "orm": "default",  # the site's own queue: async_task() of the host lands here, and `manage.py qcluster` runs it
    "timeout": 600,
    "retry": 660,
    "max_attempts": 1,
    "catch_up": False,
    "ALT_CLUSTERS": {
        "workflow": {
            "broker_class": "engine.runtime.broker.JobBroker",
            "workers": int(ENV.get("WORKFLOW_WORKERS", 2)),
            "timeout": _LONGEST,
            "retry": _LONGEST + 60,
            "save_limit": -1,  # the Job table and the ledger remember; django-q2's own record costs a factor of 8
            "scheduler": False,
            "recycle": 10_000,
            "bulk": 1,
        }
    },
}

# --- people, languages, mail ------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = ENV.get("TIME_ZONE", "UTC")

EMAIL_HOST = ENV.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(ENV.get("EMAIL_PORT", 25))
EMAIL_HOST_USER = ENV.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = ENV.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 30
EMAIL_BACKEND = f"django.core.mail.backends.{'console' if DEBUG and 'EMAIL_HOST' not in ENV else 'smtp'}.EmailBackend"
DEFAULT_FROM_EMAIL = ENV.get("DEFAULT_FROM_EMAIL", "towpath@localhost")

DEMO_SHOP_URL = ENV.get("DEMO_SHOP_URL", "http://127.0.0.1:8000/demo/shop")

# --- static files -----------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
_STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}, "staticfiles": {"BACKEND": _STATIC}}

# --- security ---------------------------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS else 0
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _flag("BEHIND_PROXY", False) else None
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # our Csrf is Django's, passed by for API calls that bring credentials
    "security.W005",  # sub-domains and the preload list are not ours to speak for
    "security.W021",
]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- REST and OAuth2 --------------------------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SPECTACULAR_SETTINGS = {"TITLE": "Towpath", "VERSION": "1", "SWAGGER_UI_DIST": "SIDECAR", "REDOC_DIST": "SIDECAR"}
_OAUTH2_RULES = ("IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD", "ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS", "TOKEN_STORAGE")
OAUTH2_PROVIDER: dict[str, Any] = {
    "SCOPES": {
        "workflow.read": _("See processes, instances and tasks"),
        "workflow.write": _("Start processes and work on tasks"),
        "workflow.admin": _("Deploy, administer and repair"),
    },
    "DEFAULT_SCOPES": ["workflow.read"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
    "PKCE_REQUIRED": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"] if DEBUG else ["https"],
    # The current best practice (RFC 9700), which the package does not dare to make its default yet.
    **{f"COMPLIANT_BCP_RFC9700_{rule}": True for rule in _OAUTH2_RULES},
    "ALLOWED_SCHEMES": ["https", "http"] if DEBUG else ["https"],
    "OAUTH2_VALIDATOR_CLASS": "engine.api.tokens.Validator",
}

# --- what is said -----------------------------------------------------------------------------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"},
        "script": {"format": "%(asctime)s %(message)s"},
    },
    "filters": {"request": {"()": "engine.tracing.Request"}},  # the id of the call, also in what its jobs log
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]},
        "script": {"class": "logging.StreamHandler", "formatter": "script"},
    },
    "root": {"handlers": ["console"], "level": ENV.get("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "towpath.script": {"handlers": ["script"], "level": "INFO", "propagate": False},  # what scripts print
    },
}

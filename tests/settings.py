"""The site's settings as the tests see them: nothing of this machine's `.env`, cheap password hashes, a database of their own."""

import os
import tempfile
from pathlib import Path

os.environ.update(ENV_FILE="", DEMO="1", HTTPS="0", ENGINE_BASIC_AUTH="1", ALLOWED_HOSTS="*")
os.environ.setdefault("SECRET_KEY", "only for tests, and long enough to be taken without a warning: 0123456789")

from workflow_site.settings import *  # noqa: F403  # the environment must be set before
from workflow_site.settings import DATABASES, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = True  # no collected files are looked for
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # a file, not memory: the tests shall meet SQLite's real locks
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.gettempdir()) / f"towpath-test-{os.getpid()}.sqlite3")}

"""Every setting comes from the environment; docs/reference/settings.md has a row for each."""

import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- where this instance keeps its own files --------------------------------------------------

ONEX_HOME = Path(env.str("ONEX_HOME", default=str(BASE_DIR / ".onex"))).resolve()


def _secret_key() -> str:
    """The key of this instance: made once, readable by its owner only."""
    given: str = env.str("SECRET_KEY", default="")
    if given:
        return given
    file = ONEX_HOME / "secret-key"
    ONEX_HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        # Under its name it appears whole: another process may read it in the same moment.
        new = ONEX_HOME / f"secret-key.{secrets.token_hex(8)}"
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(50), encoding="ascii")
        with suppress(FileExistsError):  # another process was faster
            file.hardlink_to(new)
        new.unlink()
    return file.read_text(encoding="ascii")


def _database_url() -> str:
    """`DATABASE_URL`, else the embedded server that `./run` started for this home."""
    given: str = env.str("DATABASE_URL", default="")
    if given:
        return given
    file = ONEX_HOME / "database-url"
    if file.exists():
        return file.read_text(encoding="ascii").strip()
    raise ImproperlyConfigured(
        f"No database: DATABASE_URL is not set and {file} does not exist. Start ./run, or set DATABASE_URL."
    )


SECRET_KEY = _secret_key()
# Those of before: what was signed or sealed with them is still read.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The address people and webhooks reach this server at; links in notifications begin with it.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8090").rstrip("/")

# --- Django -----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "access",
    "registry",
    "events",
    "alerts",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "registry.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "registry.middleware.RequestId",
    "registry.middleware.CorrelationOfRequest",
    "registry.middleware.NoNulInAddress",
    "registry.context_addresses.ContextAddresses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "access.middleware.ActorOfRequest",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "registry.problems.ProblemPages",
]
ROOT_URLCONF = "registry.urls"
WSGI_APPLICATION = "registry.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DATABASES = {"default": env.db_url_config(_database_url(), engine="registry.postgresql")}
_LIMITS = {
    "statement_timeout": env.int("DATABASE_STATEMENT_SECONDS", default=30),
    "lock_timeout": env.int("DATABASE_LOCK_SECONDS", default=10),
    "idle_in_transaction_session_timeout": env.int("DATABASE_IDLE_TRANSACTION_SECONDS", default=60),
}
_GIVEN = DATABASES["default"].get("OPTIONS", {})
DATABASES["default"]["OPTIONS"] = {
    **_GIVEN,
    # What DATABASE_URL says comes later, and holds.
    "options": " ".join(
        [*(f"-c {name}={seconds}s" for name, seconds in _LIMITS.items()), _GIVEN.get("options", "")]
    ).strip(),
    "pool": {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", default=12),
        "timeout": env.int("DATABASE_POOL_TIMEOUT", default=10),
    },
    # Those of access/prepared.py, from their first time on; None is never.
    "prepare_threshold": 0 if env.bool("DATABASE_PREPARED_STATEMENTS", default=True) else None,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
APPEND_SLASH = False

STATIC_URL = "/static/"
STATIC_ROOT = None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Served straight from the apps' folders: no collectstatic step between a checkout and a running server.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": env.int("PASSWORD_MIN_LENGTH", default=10)},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_ATTEMPTS_ALLOWED = env.int("LOGIN_ATTEMPTS_ALLOWED", default=5)
LOGIN_ATTEMPTS_WINDOW = timedelta(seconds=env.int("LOGIN_ATTEMPTS_WINDOW_SECONDS", default=300))
INVITATION_LIFETIME = timedelta(hours=env.int("INVITATION_LIFETIME_HOURS", default=72))
TOKEN_ROTATION_OVERLAP = timedelta(hours=env.int("TOKEN_ROTATION_OVERLAP_HOURS", default=24))

# Cookies do not know ports: two registries on one host must not log each other out.
_PORT = env.int("PORT", default=8090)
SESSION_COOKIE_NAME = f"onex-session-{_PORT}"
CSRF_COOKIE_NAME = f"onex-csrf-{_PORT}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("COOKIES_OVER_HTTPS_ONLY", default=False)
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=24 * 7) * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

_EMAIL_URL = env.str("EMAIL_URL", default="")
# Without a mail server nothing is sent, printed or offered: a mail holds the secret of an invitation.
SENDS_EMAIL = bool(_EMAIL_URL)
vars().update(env.email_url_config(_EMAIL_URL or "dummymail://"))
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="onex-registry@localhost")

# --- REST -------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "access.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["registry.wire.WireRenderer"],
    "DEFAULT_PARSER_CLASSES": ["registry.wire.WireParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "registry.wire.Negotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "registry.problems.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Onex Registry",
    "DESCRIPTION": "Schemas, error codes, events, replay and alerts.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "OAS_VERSION": "3.1.0",
    # Fields of one name with different choices: each set gets a name of its own.
    "ENUM_NAME_OVERRIDES": {
        "AlertKind": "alerts.models.Kind",
        "ActionKind": "alerts.models.Action.Kind",
        "ActionRunState": "alerts.models.ActionRun.State",
        "ChannelKind": "alerts.models.Channel.Kind",
        "AlertSeverity": "alerts.models.Severity",
        "ApprovalState": "registry.models.Approval.State",
        "StateOfVersion": "registry.models.Version.State",
        "DeliveryState": "access.models.Delivery.State",
        "ImportKind": "registry.models.CatalogueImport.Kind",
        "WorkState": "registry.models.CatalogueImport.State",
        "EpisodeState": "alerts.models.Episode.State",
        "ReplayState": "events.models.Replay.State",
        "SubscriptionFormat": "events.models.Subscription.Format",
        "ExportState": "events.models.Export.State",
        "ExportFormat": "events.models.Export.Format",
        "TaxonomyStep": ["first", "none", "patch", "minor", "major"],
        "TaxonomyWeight": ["patch", "minor", "major", "forbidden"],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # each door has its own limit and its own clear answer

# --- the product ------------------------------------------------------------------------------

from registry.product_settings import *  # noqa: E402, F403 -- every name of it is a setting

# --- Celery -----------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
_BROKER_FOLDER = ONEX_HOME / "broker"
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        "visibility_timeout": 120,
        # A doorbell must not hold up the request that rings it: try once more at once, then leave it to the sweep.
        "socket_connect_timeout": 1,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    }
else:
    _BROKER_FOLDER.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_URL = "folder://localhost"  # registry/broker.py
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_BROKER_FOLDER),
        "data_folder_out": str(_BROKER_FOLDER),
        "control_folder": str(_BROKER_FOLDER / "control"),
        "polling_interval": 0.05,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "work"
CELERY_TASK_ROUTES = {
    # Long, and nobody's alert: not where alerts are evaluated.
    "alerts.tasks.work_on_backtests": {"queue": "work"},
    "alerts.tasks.forget_old": {"queue": "work"},
    "alerts.tasks.audit_reading": {"queue": "work"},
    "events.tasks.replay_*": {"queue": "replay"},
    "alerts.tasks.*": {"queue": "alerts"},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False  # the beat sweep re-finds what a lost doorbell missed
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# A worker that was away finds each sweep once, not a backlog of them: messages expire with their period.
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in {
        "access.tasks.deliver_due": 5.0,
        "access.tasks.chain_audit": 5.0,
        "alerts.tasks.evaluate_rules": 2.0,
        "alerts.tasks.work_on_backtests": 5.0,
        "alerts.tasks.run_actions": 5.0,
        "alerts.tasks.tell_again": 10.0,
        "alerts.tasks.forget_old": 3600.0,
        "alerts.tasks.audit_reading": 3600.0,
        "events.tasks.forward_changes": 2.0,
        "events.tasks.replay_sweep": 5.0,
        "events.tasks.work_on_redrives": 5.0,
        "events.tasks.fold_statistics": 5.0,
        "events.tasks.work_on_exports": 5.0,
        "events.tasks.prepare_partitions": 3600.0,
        "events.tasks.apply_retention": 3600.0,
        "events.tasks.compress_old_partitions": 1800.0,
        "registry.tasks.tell_sunsets": 3600.0,
        "registry.tasks.work_on_studies": 5.0,
        "registry.tasks.work_on_imports": 5.0,
    }.items()
}

# --- logging ----------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}

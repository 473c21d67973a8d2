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
DATABASES = {"default": env.db_url_config(_database_url())}
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
        "AlertSeverity": "alerts.models.Severity",
        "ApprovalState": "registry.models.Approval.State",
        "StateOfVersion": "registry.models.Version.State",
        "DeliveryState": "access.models.Delivery.State",
        "ImportKind": "registry.models.CatalogueImport.Kind",
        "WorkState": "registry.models.CatalogueImport.State",
        "EpisodeState": "alerts.models.Episode.State",
        "TaxonomyStep": ["first", "none", "patch", "minor", "major"],
        "TaxonomyWeight": ["patch", "minor", "major", "forbidden"],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # each door has its own limit and its own clear answer

# --- catalogue --------------------------------------------------------------------------------

DEFAULT_COMPATIBILITY = env.str("DEFAULT_COMPATIBILITY", default="BACKWARD")
DEFAULT_POLICY = env.str("DEFAULT_POLICY", default="DECLARED")
DEFAULT_DIALECT = env.str("DEFAULT_DIALECT", default="http://json-schema.org/draft-07/schema#")
SCHEMA_MAX_BYTES = env.int("SCHEMA_MAX_BYTES", default=4 * 1024 * 1024)
SCHEMAS_LIST_MAX = env.int("SCHEMAS_LIST_MAX", default=1000)
API_BODY_MAX_BYTES = env.int("API_BODY_MAX_BYTES", default=16 * 1024 * 1024)
ACCEPT_UNDECIDED = env.bool("ACCEPT_UNDECIDED", default=False)
# How many days before the sunset of a deprecated version its owner is told.
SUNSET_NOTICE_DAYS = env.list("SUNSET_NOTICE_DAYS", cast=int, default=[30, 14])
# Judges of an upload, here and in the layers above: dotted names of `(proposal) -> list[Finding]`.
UPLOAD_JUDGES = [
    "registry.dependents.broken_dependents",
    "registry.taxonomy_bindings.changed_bindings",
    "events.judge.stored_events",
    "alerts.judge.rules_reading",
]
# What the layers above know about the use of a version: dotted names of `(version, actor) -> list[Finding]`.
USAGE_WITNESSES = ["events.usage.stored_events", "alerts.usage.rules"]
# An event or fetch that was longer ago says little about who still uses a version.
USAGE_DAYS = env.int("USAGE_DAYS", default=30)
FETCH_FLUSH_SECONDS = env.float("FETCH_FLUSH_SECONDS", default=10.0)
# How judges that can be stopped and gone on with do so in the background: `(proposal, memory) -> registry.study.Progress`.
UPLOAD_STUDIES = {"events.judge.stored_events": "events.judge.study"}
STUDY_SLICE_SECONDS = env.float("STUDY_SLICE_SECONDS", default=20.0)
UPLOAD_JUDGE_SECONDS = env.float("UPLOAD_JUDGE_SECONDS", default=2.0)
# Who tries a migration between versions on what is stored: dotted names of `(trial) -> registry.migration_trial.Tried`.
MIGRATION_WITNESSES = ["events.migration_witness.stored_events"]
MIGRATION_WITNESS_SECONDS = env.float("MIGRATION_WITNESS_SECONDS", default=5.0)
MIGRATION_EXPRESSION_STEPS = env.int("MIGRATION_EXPRESSION_STEPS", default=20_000)
MIGRATION_EXPRESSION_SECONDS = env.float("MIGRATION_EXPRESSION_SECONDS", default=1.0)
MIGRATION_EXPRESSION_BYTES = env.int("MIGRATION_EXPRESSION_BYTES", default=4 * 1024 * 1024)
# What the layers above count of subjects, for their pages: dotted names of `(names, since) -> {name: [Hour]}`.
SUBJECT_FIGURES = ["events.figures.of_subjects"]
# The same of all subjects at once, to order them: dotted names of `(since) -> {name: events}`.
SUBJECT_TRAFFIC = ["events.figures.of_all"]
SUBJECT_FIGURES_SECONDS = env.float("SUBJECT_FIGURES_SECONDS", default=1.0)
TAXONOMY_MAX_BYTES = env.int("TAXONOMY_MAX_BYTES", default=2 * 1024 * 1024)
TAXONOMY_MAX_CODES = env.int("TAXONOMY_MAX_CODES", default=2_000)
# The same for a new edition of a taxonomy, and who counts codes among the stored events.
TAXONOMY_JUDGES = ["events.code_usage.stored_events", "alerts.code_rules.rules_naming"]
CODE_USAGE = "events.code_usage.code_usage"
# Panels of the home page: dotted names of `(request) -> registry.home.Panel`.
HOME_PANELS = [
    "registry.home.panel",
    "events.pages.home_panel",
    "alerts.pages.home_panel",
    "events.replay_pages.home_panel",
]
# An archive of the catalogue that is imported: as it comes, unpacked, and how many members it has.
CATALOGUE_MAX_BYTES = env.int("CATALOGUE_MAX_BYTES", default=1024 * 1024 * 1024)
CATALOGUE_MAX_UNPACKED_BYTES = env.int("CATALOGUE_MAX_UNPACKED_BYTES", default=8 * 1024 * 1024 * 1024)
CATALOGUE_MAX_MEMBERS = env.int("CATALOGUE_MAX_MEMBERS", default=500_000)
CATALOGUE_MAX_MEMBER_BYTES = env.int("CATALOGUE_MAX_MEMBER_BYTES", default=64 * 1024 * 1024)
# The longest answer that is taken from another registry.
IMPORT_MAX_ANSWER_BYTES = env.int("IMPORT_MAX_ANSWER_BYTES", default=32 * 1024 * 1024)
# How long another process may go on answering by-id reads after a revocation or permanent delete.
FAST_PATH_CHECK_SECONDS = env.float("FAST_PATH_CHECK_SECONDS", default=1.0)
FAST_PATH_MAX_BYTES = env.int("FAST_PATH_MAX_BYTES", default=64 * 1024 * 1024)

# --- events -----------------------------------------------------------------------------------

INGEST_MAX_EVENTS = env.int("INGEST_MAX_EVENTS", default=5_000)
# Events a second that one token may send; 0 = as many as it likes. So many seconds' worth may come at once.
INGEST_EVENTS_PER_SECOND = env.float("INGEST_EVENTS_PER_SECOND", default=0.0)
INGEST_BURST_SECONDS = env.float("INGEST_BURST_SECONDS", default=10.0)
# Small requests that wait in one process to be stored together; more are asked to come again.
INGEST_MAX_WAITING = env.int("INGEST_MAX_WAITING", default=1_000)
INGEST_MAX_BYTES = env.int("INGEST_MAX_BYTES", default=16 * 1024 * 1024)
EVENT_WARN_BYTES = env.int("EVENT_WARN_BYTES", default=100 * 1024)
EVENT_MAX_BYTES = env.int("EVENT_MAX_BYTES", default=1024 * 1024)
EVENT_WARN_DEPTH = env.int("EVENT_WARN_DEPTH", default=10)
EVENT_MAX_DEPTH = env.int("EVENT_MAX_DEPTH", default=64)
UNKNOWN_EVENT_TYPE = env.str("UNKNOWN_EVENT_TYPE", default="quarantine")
UNKNOWN_SCHEMA_VERSION = env.str("UNKNOWN_SCHEMA_VERSION", default="quarantine")
# "shop.=accept,old.=reject": types without a subject have nobody else who could say; the longest prefix decides.
UNKNOWN_EVENT_TYPE_BY_PREFIX = env.dict("UNKNOWN_EVENT_TYPE_BY_PREFIX", default={})
_POLICIES = {UNKNOWN_EVENT_TYPE, UNKNOWN_SCHEMA_VERSION, *UNKNOWN_EVENT_TYPE_BY_PREFIX.values()}
if wrong := _POLICIES - {"quarantine", "reject", "accept"}:
    raise ImproperlyConfigured(
        f"Unknown events are for quarantine, reject or accept, not for {', '.join(sorted(wrong))}: see "
        "UNKNOWN_EVENT_TYPE, UNKNOWN_EVENT_TYPE_BY_PREFIX and UNKNOWN_SCHEMA_VERSION."
    )
# Names that producers use for a field which a schema declares under another.
FIELD_ALIASES = env.dict(
    "FIELD_ALIASES",
    default={
        "duration_ms": "execution_time_ms",
        "error": "error_message",
        "error_message": "error",
    },
)
# Every change of the catalogue becomes an event of the product itself, which subscriptions, rules and replays can use.
REGISTRY_EVENTS = env.bool("REGISTRY_EVENTS", default=True)
EVENT_RETENTION = timedelta(days=env.int("EVENT_RETENTION_DAYS", default=90))
# Partitions of older days are compressed; 0 keeps all as they are.
EVENT_COLD_AFTER = timedelta(days=env.int("EVENT_COLD_AFTER_DAYS", default=7))
if timedelta(0) < EVENT_COLD_AFTER < timedelta(days=7):
    raise ImproperlyConfigured(
        "EVENT_COLD_AFTER_DAYS is 0, which compresses nothing, or at least 7: the longest window of an alert rule looks into "
        "the fields of events that are so old."
    )
# How many compressed events one answer looks into for a condition on their fields.
EVENT_COLD_SEARCH = env.int("EVENT_COLD_SEARCH", default=20_000)
# Readers that follow the log, each process; and how many new events one of them is told of at once.
TAIL_STREAMS = env.int("TAIL_STREAMS", default=32)
TAIL_EVENTS_AT_ONCE = env.int("TAIL_EVENTS_AT_ONCE", default=50)
EVENT_SEARCH_SECONDS = env.float("EVENT_SEARCH_SECONDS", default=5.0)
DEDUP_HORIZON = timedelta(days=env.int("DEDUP_HORIZON_DAYS", default=30))
# Statistics outlive the events that they are of: so many days in stretches of 5 minutes, of hours and of days.
STATISTICS_5_MINUTES_KEPT = timedelta(days=env.int("STATISTICS_5_MINUTES_DAYS", default=3))
STATISTICS_HOURS_KEPT = timedelta(days=env.int("STATISTICS_HOURS_DAYS", default=90))
STATISTICS_DAYS_KEPT = timedelta(days=env.int("STATISTICS_DAYS_DAYS", default=1_830))
# A query with no more events is exported while the request waits.
EXPORT_AT_ONCE = env.int("EXPORT_AT_ONCE", default=10_000)
EXPORT_MAX_EVENTS = env.int("EXPORT_MAX_EVENTS", default=1_000_000)
EXPORT_MAX_BYTES = env.int("EXPORT_MAX_BYTES", default=1024**3)
# Of one account.
EXPORTS_AT_ONCE = env.int("EXPORTS_AT_ONCE", default=3)
EXPORT_KEPT = timedelta(hours=env.int("EXPORT_KEEP_HOURS", default=24))
EXPORT_SLICE_SECONDS = env.float("EXPORT_SLICE_SECONDS", default=20.0)
# A re-drive of the quarantine that is no longer than this is done when it is answered.
REDRIVE_AT_ONCE = env.int("REDRIVE_AT_ONCE", default=100)
REDRIVE_SLICE_SECONDS = env.float("REDRIVE_SLICE_SECONDS", default=20.0)
# A START without an end is incomplete then; before, it is still running.
OPERATION_INCOMPLETE_AFTER = timedelta(minutes=env.float("OPERATION_INCOMPLETE_MINUTES", default=30.0))
# The newest profiles of a stretch of time that are looked at, and of these the newest whose frames are.
PROFILES_MAX_EVENTS = env.int("PROFILES_MAX_EVENTS", default=200_000)
PROFILES_FRAMES_FROM = env.int("PROFILES_FRAMES_FROM", default=2_000)
SAMPLING_MAX_RULES = env.int("SAMPLING_MAX_RULES", default=1_000)
# The last 7 days are counted for a prediction; when that takes longer than this, the last day, then the last hour.
SAMPLING_PREDICTION_SECONDS = env.float("SAMPLING_PREDICTION_SECONDS", default=5.0)
REPLAY_SLICE_SECONDS = env.float("REPLAY_SLICE_SECONDS", default=30.0)
REPLAY_LEASE_SECONDS = env.float("REPLAY_LEASE_SECONDS", default=10.0)
REPLAY_MAX_SPEED = env.float("REPLAY_MAX_SPEED", default=1000.0)
REPLAY_MAX_EVENTS = env.int("REPLAY_MAX_EVENTS", default=100_000)
# How many passes over the same events may follow the first.
REPLAY_MAX_PASSES = env.int("REPLAY_MAX_PASSES", default=100)
# A run that slips puts the rest off when it is further behind than this; one that catches up never does.
REPLAY_MAX_LAG_SECONDS = env.float("REPLAY_MAX_LAG_SECONDS", default=1.0)
# Where replays go: dotted names of an events.replay_targets.Target.
REPLAY_TARGETS = {
    "webhook": "events.replay_webhook.TARGET",
    "browser": "events.replay_targets.BROWSER",
    "ingest": "events.replay_ingest.TARGET",
    "schema": "events.replay_schema.TARGET",
    "rule": "alerts.replay_rule.TARGET",
    "file": "events.replay_targets.FILE",
}
# Open streams of one process, each of which holds one of its threads, and how long one lasts before it asks anew.
REPLAY_STREAMS = env.int("REPLAY_STREAMS", default=20)
REPLAY_STREAM_SECONDS = env.float("REPLAY_STREAM_SECONDS", default=60.0)
# A target that takes longer has failed for this event. Shorter than the lease, so that no run has two workers.
REPLAY_TIMEOUT_SECONDS = env.float("REPLAY_TIMEOUT_SECONDS", default=5.0)

# --- alerts and deliveries --------------------------------------------------------------------

ALERT_LATENESS = timedelta(seconds=env.int("ALERT_LATENESS_SECONDS", default=600))
ALERT_MAX_GROUPS = env.int("ALERT_MAX_GROUPS", default=10_000)
OUTBOUND_ALLOW = env.list("OUTBOUND_ALLOW", default=[])
OUTBOUND_TIMEOUT_SECONDS = env.float("OUTBOUND_TIMEOUT_SECONDS", default=15.0)
OUTBOUND_PORTS = env.list("OUTBOUND_PORTS", cast=int, default=[80, 443])
# Certificates that targets with a private authority are checked against, in place of the public ones.
OUTBOUND_CA_FILE = env.str("OUTBOUND_CA_FILE", default="")
# How many deliveries one worker sends at a time, and how many of them to one address: a slow one waits alone.
DELIVERY_PARALLEL = env.int("DELIVERY_PARALLEL", default=16)
DELIVERY_PARALLEL_PER_TARGET = env.int("DELIVERY_PARALLEL_PER_TARGET", default=4)

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

"""What the product can be told about itself; registry/settings.py has the rest, and the reference a row for each."""

from datetime import timedelta

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

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
# What /metrics tells: dotted names of `() -> Iterable[Metric]`, and how many series each counter of events has at most.
METRICS = [
    "registry.metrics.catalogue",
    "events.metrics.events",
    "access.metrics.deliveries",
    "alerts.metrics.alerts",
]
METRICS_MAX_SERIES = env.int("METRICS_MAX_SERIES", default=1_000)
# Of one day, failures that differ in event type, code, message or node; for so many days.
FAILURES_MAX = env.int("FAILURES_MAX", default=20_000)
FAILURES_KEPT = timedelta(days=env.int("FAILURES_DAYS", default=90))
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
# Events that one request of OTLP may become; collectors send some 8,000 records at once.
OTLP_MAX_EVENTS = env.int("OTLP_MAX_EVENTS", default=50_000)
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
# How long signatures of a key count that was rotated, so that its producers can change over without a gap.
SIGNING_KEY_OVERLAP = timedelta(days=env.float("SIGNING_KEY_OVERLAP_DAYS", default=7.0))
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
# The newest profiles of a stretch of time that are looked at, of each release in a comparison, and those whose frames are.
PROFILES_MAX_EVENTS = env.int("PROFILES_MAX_EVENTS", default=200_000)
PROFILES_COMPARED = env.int("PROFILES_COMPARED", default=10_000)
PROFILES_FRAMES_FROM = env.int("PROFILES_FRAMES_FROM", default=2_000)
# What processes of producers said of their events: so many days, and of so many processes of one account.
CLIENT_REPORTS_KEPT = timedelta(days=env.int("CLIENT_REPORT_DAYS", default=7))
CLIENT_REPORTS_PER_ACCOUNT = env.int("CLIENT_REPORTS_PER_ACCOUNT", default=1_000)
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
ALERT_MAX_KNOWN = env.int("ALERT_MAX_KNOWN", default=100_000)
# A backtest that reads no more positions than this is made at once, others by a worker; how many matches one keeps, and for how long it is kept.
BACKTEST_AT_ONCE = env.int("BACKTEST_AT_ONCE", default=20_000)
BACKTEST_MAX_MATCHES = env.int("BACKTEST_MAX_MATCHES", default=1_000_000)
BACKTESTS_KEPT = timedelta(days=env.float("BACKTESTS_KEPT_DAYS", default=7.0))
# Kinds of actions that rules may take by themselves: replay, sampling, strict. None unless an operator says so.
ALERT_ACTIONS = env.list("ALERT_ACTIONS", default=[])
ALERT_WATERMARK_DELAY = timedelta(seconds=env.int("ALERT_WATERMARK_DELAY_SECONDS", default=30))
ALERT_OUTAGE_GRACE = timedelta(seconds=env.int("ALERT_OUTAGE_GRACE_SECONDS", default=300))
OUTBOUND_ALLOW = env.list("OUTBOUND_ALLOW", default=[])
OUTBOUND_TIMEOUT_SECONDS = env.float("OUTBOUND_TIMEOUT_SECONDS", default=15.0)
OUTBOUND_PORTS = env.list("OUTBOUND_PORTS", cast=int, default=[80, 443])
# Certificates that targets with a private authority are checked against, in place of the public ones.
OUTBOUND_CA_FILE = env.str("OUTBOUND_CA_FILE", default="")
PAGERDUTY_EVENTS_URL = env.str("PAGERDUTY_EVENTS_URL", default="https://events.pagerduty.com/v2/enqueue")
# How many deliveries one worker sends at a time, and how many of them to one address: a slow one waits alone.
DELIVERY_PARALLEL = env.int("DELIVERY_PARALLEL", default=16)
DELIVERY_PARALLEL_PER_TARGET = env.int("DELIVERY_PARALLEL_PER_TARGET", default=4)

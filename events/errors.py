"""What can go wrong with events, by what the caller can do about it.

ProductError
├── UnreadableBody        mend the body: nothing of it could be read, nothing was stored
├── BodyTooLarge          send less at once
├── UnsupportedEncoding   send JSON or NDJSON, plain, gzip or zstd
├── AppendQueueFull       try again shortly: nothing was stored
├── EventNotFound, CorrelationNotFound, QuarantinedEventNotFound
├── StatisticsNotFound
├── InvalidQuery          mend a filter
├── QueryTooSlow          ask for less: it was given up, nothing was answered
├── TailsFull             ask for news now and then instead of following
├── NotCompressible       the partition stays as it is; the sentence says why
├── ExportInvalid, ExportTooLarge   mend what was asked for
├── ExportNotFound
├── ExportNotReady        wait for its end, or it was cancelled
├── ReplayInvalid         mend what the replay was asked to do
├── ReplayNotFound
├── ReplayOver            it has ended: start a new one
├── TooManyStreams        ask again shortly, or for single answers
├── SubscriptionNotFound
├── InvalidSubscription, SubscriptionNameTaken   mend what the subscription was asked to be
├── RedriveNotFound
├── UnreadableEvent       mend the event
├── NotMigrated           read it as it is, or mend the migration
├── ProducerNotFound
├── InvalidSamplingRule, SamplingRuleTaken        mend the rule
├── SamplingRuleNotFound, SamplingRevisionNotFound
└── NotReleasable         the quarantined event still breaks its rules, or was released already
"""

from access.errors import ProductError


class UnreadableBody(ProductError):
    code = "malformed_body"

    @classmethod
    def at(cls, offset: int, sentence: str) -> "UnreadableBody":
        return cls(f"The body is malformed at byte {offset}: {sentence} Nothing was stored.", offset=offset)


class BodyTooLarge(ProductError):
    kind = "too_large"
    code = "body_too_large"


class UnsupportedEncoding(ProductError):
    code = "unsupported_media_type"


class AppendQueueFull(ProductError):
    kind = "unavailable"
    code = "append_queue_full"
    # Seconds: by then the batches before it have been stored, or given up.
    RETRY_AFTER = 5

    @classmethod
    def for_now(cls) -> "AppendQueueFull":
        return cls(
            "Too many batches wait to be stored; nothing of this one was. Send it again shortly.",
            retry_after=cls.RETRY_AFTER,
        )


class EventNotFound(ProductError):
    kind = "not_found"
    code = "event_not_found"


class CorrelationNotFound(ProductError):
    kind = "not_found"
    code = "correlation_not_found"


class QuarantinedEventNotFound(ProductError):
    kind = "not_found"
    code = "quarantined_event_not_found"


class StatisticsNotFound(ProductError):
    kind = "not_found"
    code = "statistics_not_found"


class InvalidQuery(ProductError):
    code = "invalid_query"


class FailureNotFound(ProductError):
    kind = "not_found"
    code = "failure_not_found"


class ProducerNotFound(ProductError):
    kind = "not_found"
    code = "producer_not_found"


class UnreadableEvent(ProductError):
    """One event that is none; `reason` is the code that sending it would be answered with."""

    code = "unreadable_event"


class NotMigrated(ProductError):
    """An event that cannot be read as the version that was asked for; `not_migrated` says why, and where."""

    kind = "conflict"
    code = "not_migrated"


class QueryTooSlow(ProductError):
    code = "query_too_slow"


class TailsFull(ProductError):
    kind = "unavailable"
    code = "tails_full"


class NotCompressible(ProductError):
    kind = "conflict"
    code = "not_compressible"


class NotReleasable(ProductError):
    kind = "conflict"
    code = "not_releasable"


class RedriveNotFound(ProductError):
    kind = "not_found"
    code = "redrive_not_found"


class ExportInvalid(ProductError):
    code = "invalid_export"


class ExportTooLarge(ProductError):
    code = "export_too_large"


class ExportNotFound(ProductError):
    kind = "not_found"
    code = "export_not_found"


class ExportNotReady(ProductError):
    kind = "conflict"
    code = "export_not_ready"


class ReplayInvalid(ProductError):
    code = "invalid_replay"


class ReplayNotFound(ProductError):
    kind = "not_found"
    code = "replay_not_found"


class ReplayOver(ProductError):
    kind = "conflict"
    code = "replay_over"


class InvalidSamplingRule(ProductError):
    """A rule that cannot be saved; `pointer` names the value that is wrong."""

    code = "invalid_sampling_rule"


class SamplingRuleTaken(ProductError):
    kind = "conflict"
    code = "sampling_rule_taken"


class SamplingRuleNotFound(ProductError):
    kind = "not_found"
    code = "sampling_rule_not_found"


class SamplingRevisionNotFound(ProductError):
    kind = "not_found"
    code = "sampling_revision_not_found"


class TooManyStreams(ProductError):
    kind = "unavailable"
    code = "too_many_streams"


class SubscriptionNotFound(ProductError):
    kind = "not_found"
    code = "subscription_not_found"

    @classmethod
    def of(cls, subscription_id: int) -> "SubscriptionNotFound":
        return cls(
            f"There is no subscription {subscription_id}, or you may not see it.",
            subscription=subscription_id,
        )


class InvalidSubscription(ProductError):
    """A subscription that cannot be saved; `pointer` names the value that is wrong."""

    code = "invalid_subscription"


class SubscriptionNameTaken(ProductError):
    kind = "conflict"
    code = "subscription_name_taken"

"""What is stored of events: the log and how it is kept, exports, the quarantine, replay runs, and who is told of changes."""

from events.models.exports import Export, ExportPart, ExportQuerySet
from events.models.log import CatalogueRevision, CorrelationLink, Event, EventKey, LogHead
from events.models.quarantine import QuarantinedEvent, Redrive, RedriveQuerySet
from events.models.replays import Replay, ReplayItem, ReplayQuerySet, time_ordered_id
from events.models.storage import ColdPartition, Dictionary, exact
from events.models.subscriptions import ChangeCursor, Subscription, SubscriptionQuerySet

__all__ = [
    "CatalogueRevision",
    "ChangeCursor",
    "ColdPartition",
    "CorrelationLink",
    "Dictionary",
    "Event",
    "EventKey",
    "Export",
    "ExportPart",
    "ExportQuerySet",
    "LogHead",
    "QuarantinedEvent",
    "Redrive",
    "RedriveQuerySet",
    "Replay",
    "ReplayItem",
    "ReplayQuerySet",
    "Subscription",
    "SubscriptionQuerySet",
    "exact",
    "time_ordered_id",
]

"""What is stored of events: the log and how it is kept, exports, failures, the quarantine, statistics, profiles, replay runs, sampling, reports of producers, and who is told of changes."""

from events.models.doors import Doors, Outage
from events.models.exports import Export, ExportPart, ExportQuerySet
from events.models.failures import Failure
from events.models.log import CatalogueRevision, CorrelationLink, Event, EventKey, LogHead
from events.models.meters import Meter
from events.models.producers import ClientReport
from events.models.profiles import Profile
from events.models.quarantine import QuarantinedEvent, Redrive, RedriveQuerySet
from events.models.replays import Replay, ReplayItem, ReplayQuerySet, time_ordered_id
from events.models.sampling import SamplingRevision
from events.models.statistics import QuarantineTally, Statistic, StatisticsCursor
from events.models.storage import ColdPartition, Dictionary, exact
from events.models.subscriptions import ChangeCursor, Subscription, SubscriptionQuerySet

__all__ = [
    "CatalogueRevision",
    "ChangeCursor",
    "ClientReport",
    "ColdPartition",
    "CorrelationLink",
    "Dictionary",
    "Doors",
    "Event",
    "EventKey",
    "Export",
    "ExportPart",
    "ExportQuerySet",
    "Failure",
    "LogHead",
    "Meter",
    "Outage",
    "Profile",
    "QuarantineTally",
    "QuarantinedEvent",
    "Redrive",
    "RedriveQuerySet",
    "Replay",
    "ReplayItem",
    "ReplayQuerySet",
    "SamplingRevision",
    "Statistic",
    "StatisticsCursor",
    "Subscription",
    "SubscriptionQuerySet",
    "exact",
    "time_ordered_id",
]

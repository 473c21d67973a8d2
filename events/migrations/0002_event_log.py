"""The event log itself: partitioned by the day an event was received, one row for its head."""

from django.db import migrations

TABLE = """
CREATE TABLE events_event (
    position              bigint           NOT NULL,
    received_at           timestamptz      NOT NULL,
    occurred_at           timestamptz      NOT NULL,
    event_id              varchar(255)     COLLATE "C" NOT NULL,
    event_type            varchar(255)     COLLATE "C" NOT NULL,
    schema_version        varchar(60)      NOT NULL,
    content_id            bigint,
    node_id               varchar(255)     COLLATE "C" NOT NULL,
    correlation_id        varchar(255)     COLLATE "C",
    parent_correlation_id varchar(255)     COLLATE "C",
    trace_id              varchar(64)      COLLATE "C",
    span_id               varchar(32)      COLLATE "C",
    error_code            varchar(255)     COLLATE "C",
    sample_rate           double precision NOT NULL,
    violations            jsonb,
    lints                 jsonb,
    raw                   bytea            NOT NULL,
    document              jsonb,
    producer              varchar(260)     NOT NULL,
    PRIMARY KEY (received_at, position)
) PARTITION BY RANGE (received_at);
CREATE INDEX events_event_position ON events_event (position);
CREATE INDEX events_event_type_time ON events_event (event_type, occurred_at);
CREATE INDEX events_event_event_id ON events_event (event_id);
CREATE INDEX events_event_correlation ON events_event (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX events_event_parent ON events_event (parent_correlation_id) WHERE parent_correlation_id IS NOT NULL;
CREATE INDEX events_event_trace ON events_event (trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX events_event_violating ON events_event (position) WHERE violations IS NOT NULL;
-- Takes what no daily partition was made for in time; normally empty.
CREATE TABLE events_event_rest PARTITION OF events_event DEFAULT;
INSERT INTO events_loghead (id, position) VALUES (1, 0);
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [migrations.RunSQL(TABLE, "DROP TABLE events_event; DELETE FROM events_loghead;")]

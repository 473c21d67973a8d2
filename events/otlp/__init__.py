"""OpenTelemetry's protocol: its log records and spans as events."""

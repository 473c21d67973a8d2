"""The facts this app announces after commit. Receivers only ring doorbells."""

from django.dispatch import Signal

# Sent when outbox rows became due.
deliveries_due = Signal()
# Sent when a row of the audit log is there to be read; carries its action.
audit_written = Signal()

"""The facts this app announces after commit. Receivers only ring doorbells."""

from django.dispatch import Signal

# Sent when outbox rows became due.
deliveries_due = Signal()

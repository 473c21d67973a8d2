"""The facts this app announces after commit. Receivers only ring doorbells."""

from django.dispatch import Signal

# Carries position, the head of the log after the batch, and count, how many events the batch stored.
events_stored = Signal()
# Carries replay_id (a UUID).
replay_wanted = Signal()

"""The facts this app announces after commit. Receivers only ring doorbells."""

from django.dispatch import Signal

# Carries position, the head of the log after the batch, and count, how many events the batch stored.
events_stored = Signal()
# An export waits for a worker.
export_wanted = Signal()
# A re-drive of the quarantine waits for a worker.
redrive_wanted = Signal()
# Carries replay_id (a UUID).
replay_wanted = Signal()

"""Facts that are told after the commit; receivers only ring doorbells."""

from django.dispatch import Signal

# Runs of actions were written.
actions_wanted = Signal()

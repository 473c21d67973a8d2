"""The facts this app announces after commit. Receivers only ring doorbells."""

from django.dispatch import Signal

# Runs of actions were written.
actions_wanted = Signal()
# A backtest waits for a worker.
backtest_wanted = Signal()

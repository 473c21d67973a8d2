"""The facts this app announces after commit. Receivers only ring doorbells."""

from django.dispatch import Signal

# Carries subject (its name) and version (the number).
version_published = Signal()
# Something was left for the background.
study_wanted = Signal()
# An import waits for a worker.
import_wanted = Signal()

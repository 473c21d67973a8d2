"""CEL text of a condition tree: read into the tree, and written from it. Nothing here evaluates anything.

The subset, and where its meaning is not CEL's own: docs/reference/alerts.md.
"""

from alerts.cel.read import read_cel
from alerts.cel.write import NotCel, cel_of, write_cel

__all__ = ["NotCel", "cel_of", "read_cel", "write_cel"]

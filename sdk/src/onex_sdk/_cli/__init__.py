"""The command `onex`. Only `main.py` knows all of its parts; nothing else of the package imports from here."""

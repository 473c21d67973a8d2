"""The catalogue, and the Django project itself."""

VERSION = "0.1.0"

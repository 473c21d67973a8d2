"""Taxonomies as source code: an enumeration with docs for each language, legal whatever a taxonomy says."""

from registry.enums import go, java, python, typescript
from registry.enums.source import Generator, Request, Source

#: By the extension of the file.
GENERATORS: dict[str, Generator] = {
    "py": python.generate,
    "ts": typescript.generate,
    "go": go.generate,
    "java": java.generate,
}

__all__ = ["GENERATORS", "Request", "Source"]

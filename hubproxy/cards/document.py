"""What all our CycloneDX documents have in common: plain dicts, and the same bytes each time."""

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hubproxy import __version__
from hubproxy.core.record import Record, target_path

SPEC = "1.6"
MODEL = "machine-learning-model"

Document = dict[str, Any]


def document(subject: Document, *, name: str, at: str) -> Document:
    """The frame of a document about `subject`.

    Args:
        name: what it is of. Its serial number is made from that, and so the same each time.
        at: UTC, RFC 3339.
    """
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": uuid5(NAMESPACE_URL, name).urn,
        "version": 1,
        "metadata": {
            "timestamp": at,
            "tools": {
                "components": [{"type": "application", "name": "hubproxy", "version": __version__}]
            },
            "component": subject,
        },
    }


def component(record: Record) -> Document:
    """A module as a component: what its record alone says.

    The one hash is that of the archive. The tree digest is over a list of files, not over bytes
    that anybody has, so it stands among the properties.
    """
    exact, origin = record.exact, record.origin
    found: Document = {
        "type": MODEL,
        "bom-ref": target_path(exact, record.format).removesuffix(".json"),
        "group": exact.hub,
        "name": exact.path,
        "version": str(exact.version),
        "hashes": [{"alg": "SHA-256", "content": record.archive_digest.hex}],
    }
    if record.licence:
        found["licenses"] = [{"expression": record.licence}]
    found["externalReferences"] = [
        {
            "type": "distribution",
            "url": origin.url,
            "comment": f"what upstream sent: {origin.media_type}, {origin.size} bytes",
            "hashes": [{"alg": "SHA-256", "content": origin.digest.partition(":")[2]}],
        }
    ]
    found["properties"] = [
        _property("handle", record.handle),
        _property("format", record.format),
        _property("archive", f"{record.archive.digest}, {record.archive.size} bytes"),
        _property("tree", record.tree),
        _property("files", len(record.files)),
    ]
    return found


def properties(**values: object) -> list[Document]:
    """Properties in hubproxy's own name; what is None is left out."""
    return [_property(name, value) for name, value in values.items() if value is not None]


def encode(content: Document) -> bytes:
    """The bytes of a document, for people to edit: ASCII, so that nothing in it hides."""
    return json.dumps(content, indent=2).encode() + b"\n"


def _property(name: str, value: object) -> Document:
    return {"name": f"hubproxy:{name}", "value": str(value)}

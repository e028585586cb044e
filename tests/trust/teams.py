"""Teams below the officers' role, written as anybody could write them who has the keys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    TargetFile,
    Targets,
)

from hubproxy.core.record import Record, target_path
from hubproxy.trust.inforce import named
from tests.trust.published import Published

EVERY_TFHUB = "tfhub.dev/*/*/*/*"


class Teams:
    """The teams of a published list, each with one key unless told otherwise."""

    def __init__(self, published: Published) -> None:
        self.published = published
        self.keys: dict[str, list[CryptoSigner]] = {}

    def delegate(
        self,
        name: str,
        *patterns: str,
        above: str = "targets",
        signers: Sequence[CryptoSigner] | None = None,
        threshold: int = 1,
        terminating: bool = True,
        publish: bool = True,
    ) -> None:
        """Let a role list what its patterns match, by the role above it."""
        self.keys[name] = list(signers or [CryptoSigner.generate_ed25519()])
        role = self._latest(above)
        known = role.signed.delegations
        keys = {} if known is None else dict(known.keys)
        roles = {} if known is None else dict(known.roles or {})
        for number, signer in enumerate(self.keys[name]):
            keys[signer.public_key.keyid] = named(signer.public_key, f"{name}-{number}")
        ids = list(dict.fromkeys(one.public_key.keyid for one in self.keys[name]))
        roles[name] = DelegatedRole(
            name, ids, threshold, terminating=terminating, paths=list(patterns or [EVERY_TFHUB])
        )
        role.signed.delegations = Delegations(keys, roles)
        changed = {above: self._signed(above, role)}
        if publish:
            changed[name] = self._signed(name, Metadata(Targets(expires=self._in_90_days())))
        self._point_at(changed)

    def publish(
        self, name: str, *records: Record, signers: Sequence[CryptoSigner] | None = None
    ) -> None:
        """List records in a team's role."""
        role = self._latest(name)
        for record in records:
            path = target_path(record.exact, record.format)
            self.list_as(role, path, record)
        self._point_at({name: self._signed(name, role, signers)})

    def list_as(self, role: Metadata[Any], path: str, record: Record) -> None:
        """List a record under any path."""
        data = record.encode()
        role.signed.targets[path] = TargetFile.from_data(path, data, ["sha256"])
        if record.status == "revoked":
            role.signed.targets[path].unrecognized_fields["custom"] = {"status": "revoked"}
        place = self.published.record_file(record)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def change(self, name: str, role: Metadata[Any], *signers: CryptoSigner) -> None:
        """Publish a next version of a role as it is given."""
        self._point_at({name: self._signed(name, role, signers)})

    def load(self, name: str) -> Metadata[Any]:
        return self._latest(name)

    def file(self, name: str, version: int) -> str:
        return f"{version}.{name}.json"

    def point(self, name: str, meta: MetaFile) -> None:
        """Let a next snapshot say anything of a role."""
        timestamp = self.published.load("timestamp.json")
        snapshot = self.published.load(f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
        snapshot.signed.version += 1
        snapshot.signed.meta[f"{name}.json"] = meta
        self.published.point_at_snapshot(timestamp, snapshot)

    def _latest(self, name: str) -> Metadata[Any]:
        timestamp = self.published.load("timestamp.json")
        snapshot = self.published.load(f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
        return self.published.load(f"{snapshot.signed.meta[f'{name}.json'].version}.{name}.json")

    def _signed(
        self, name: str, role: Metadata[Any], signers: Sequence[CryptoSigner] | None = None
    ) -> MetaFile:
        path = self.published.metadata / f"{role.signed.version}.{name}.json"
        if path.exists():
            role.signed.version += 1
        if signers is None:
            signers = [self.published.officer] if name == "targets" else self.keys[name]
        data = self.published.save(f"{role.signed.version}.{name}.json", role, *signers)
        return MetaFile.from_data(role.signed.version, data, ["sha256"])

    def _point_at(self, changed: dict[str, MetaFile]) -> None:
        timestamp = self.published.load("timestamp.json")
        snapshot = self.published.load(f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
        snapshot.signed.version += 1
        snapshot.signed.meta.update({f"{name}.json": meta for name, meta in changed.items()})
        self.published.point_at_snapshot(timestamp, snapshot)

    def _in_90_days(self) -> Any:
        return self.published.clock() + timedelta(days=90)

"""A client for the TUF conformance suite (theupdateframework/tuf-conformance), over our reader.

    python -m tests.support.tuf_client --metadata-dir D init ROOT
    python -m tests.support.tuf_client --metadata-dir D --metadata-url U refresh
    python -m tests.support.tuf_client --metadata-dir D --metadata-url U --target-name N
        --target-base-url T --target-dir F download

It ends with 0 when all went well and with 1 otherwise. The clock is the system's, which the
suite sets by libfaketime.

What is tried is `VerifiedUpdater`: tuf's workflow with our loader, fetcher and clock. Unlike a
site, it shows in the folder everything that was verified, also of a refresh that failed, since
that is what the suite looks at; a site keeps the roots of it and nothing else.

On purpose we refuse what the suite expects to be read:

* roles whose names are no plain words (`?`, `../role`): nobody is asked for them, not even
  quoted, since no such file of a list exists;
* a role with a threshold above one that has one key under several ids: when the root or the
  delegation is read, and so even where enough other keys have signed;
* an answer that is a redirect, or a file of more than 64 MiB whatever was signed;
* a snapshot whose roles have more than 200 MB together.

A site (`TrustClient`) refuses more, which the suite cannot see here: roles that the snapshot
does not bind by length and sha256 (the suite leaves them out unless a test is about them),
delegations by hash, teams that delegate to names which are not below their own, and a root
older than the list demands.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from hubproxy.files import write_whole
from hubproxy.trust.fetcher import HttpFetcher
from hubproxy.trust.verified import VerifiedUpdater


class SuiteFetcher(HttpFetcher):
    """Reads metadata from a URL that may end in anything."""

    def _place(self, name: str) -> str:
        return self._base + name.removeprefix("metadata/")


class SuiteUpdater(VerifiedUpdater):
    """Remembers delegated roles under names that are safe in a folder."""

    def _persist_metadata(self, rolename: str, data: bytes) -> None:
        super()._persist_metadata(quote(rolename, ""), data)


def init(folder: Path, root: Path) -> None:
    write_whole(folder / "root.json", root.read_bytes())


def refresh(folder: Path, url: str) -> SuiteUpdater:
    root = (folder / "root.json").read_bytes()
    updater = SuiteUpdater(folder, SuiteFetcher(url), root, at=datetime.now(UTC))
    try:
        updater.refresh()
    finally:
        keep(folder, updater)
    return updater


def download(folder: Path, url: str, name: str, base: str, into: Path) -> None:
    updater = refresh(folder, url)
    try:
        target = updater.get_targetinfo(name)
    finally:
        keep(folder, updater)
    if target is None:
        raise RepositoryError(f"no role lists {name!r}")
    place = into / quote(name, "")
    if updater.find_cached_target(target, str(place)) is None:
        (published, *_) = target.get_prefixed_paths()
        data = Urllib3Fetcher().download_bytes(f"{base.rstrip('/')}/{published}", target.length)
        target.verify_length_and_hashes(data)
        write_whole(place, data)


def keep(folder: Path, updater: SuiteUpdater) -> None:
    roots = {int(_version(name)): data for name, data in updater.fresh.items() if "/" in name}
    for name, data in updater.fresh.items():
        if "/" not in name:
            write_whole(folder / name, data)
    write_whole(folder / "root.json", roots[max(roots)])


def _version(name: str) -> str:
    """The number in `root_history/3.root.json`."""
    return name.rpartition("/")[2].partition(".")[0]


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.tuf_client")
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--metadata-url")
    parser.add_argument("--target-name")
    parser.add_argument("--target-base-url")
    parser.add_argument("--target-dir", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    asked = parser.parse_args(words)
    try:
        if asked.command == "init":
            init(asked.metadata_dir, asked.root)
        elif asked.command == "refresh":
            refresh(asked.metadata_dir, asked.metadata_url)
        else:
            download(
                asked.metadata_dir,
                asked.metadata_url,
                asked.target_name,
                asked.target_base_url,
                asked.target_dir,
            )
    except (RepositoryError, DownloadError, OSError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

import os
import threading
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface

from hubproxy.trust.fetcher import LARGEST_FILE, FolderFetcher, HttpFetcher, StateFetcher
from tests.trust.published import Quiet, serving, serving_folder

NAME = "metadata/timestamp.json"
RECORD = f"records/ab/ab{'0' * 62}.json"
EVIDENCE = f"evidence/ab/ab{'0' * 62}"
CARD = f"boms/ab/ab{'0' * 62}.cdx.json"
OUTSIDE = [
    "metadata/../secret.json",
    "../secret.json",
    "/etc/hostname",
    "metadata/..%2fsecret.json",
    "metadata/.hidden.json",
    "metadata/a\nb.json",
    "metadata/deep/secret.json",
    "records/ab/secret.json",
    "secret.json",
    "",
    f"records/ab/cd{'0' * 62}.json",
    f"records/AB/AB{'0' * 62}.json",
    f"records/ab/ab{'0' * 62}",
    f"records/ab/ab{'0' * 62}.json\n",
    f"records/ab/ab{'0' * 61}.json",
    f"evidence/ab/ab{'0' * 62}.json",
    f"evidence/cd/ab{'0' * 62}",
    f"evidence/ab/ab{'0' * 62}/..",
    f"evidence/ab{'0' * 62}",
    f"boms/ab/ab{'0' * 62}.json",
    f"boms/cd/ab{'0' * 62}.cdx.json",
    f"boms/ab/ab{'0' * 62}xcdx.json",
    f"other/ab/ab{'0' * 62}",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        NAME,
        RECORD,
        EVIDENCE,
        CARD,
        "secret.json",
        "metadata/.hidden.json",
        "metadata/deep/secret.json",
    ):
        path = tmp_path / "trust" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / "secret.json").write_bytes(b"secret")
    return tmp_path / "trust"


def read(fetcher: FetcherInterface, name: str, limit: int = 1000) -> bytes:
    return fetcher.download_bytes(name, limit)


@pytest.mark.parametrize("name", [NAME, RECORD, EVIDENCE, CARD])
def test_files_of_a_list_are_read(folder: Path, name: str) -> None:
    assert read(FolderFetcher(folder), name) == name.encode()
    with serving_folder(folder) as url:
        assert read(HttpFetcher(url), name) == name.encode()
        assert read(HttpFetcher(url + "/"), name) == name.encode()


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_list(folder: Path, name: str) -> None:
    asked: list[str] = []
    with serving_folder(folder, asked.append) as url:
        for fetcher in (FolderFetcher(folder), StateFetcher(folder), HttpFetcher(url)):
            with pytest.raises(DownloadHTTPError, match="not the name of a file") as told:
                read(fetcher, name)
            assert told.value.status_code == 404
    assert asked == []


def test_what_is_not_there_is_a_404(folder: Path) -> None:
    with serving_folder(folder) as url:
        for fetcher in (FolderFetcher(folder), HttpFetcher(url), FolderFetcher(folder / "none")):
            with pytest.raises(DownloadHTTPError) as told:
                read(fetcher, "metadata/2.root.json")
            assert told.value.status_code == 404


def test_a_file_in_place_of_a_folder_is_a_404(folder: Path) -> None:
    with pytest.raises(DownloadHTTPError) as told:
        read(FolderFetcher(folder / "secret.json"), NAME)
    assert told.value.status_code == 404


def test_a_pipe_or_a_folder_in_place_of_a_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "metadata" / "1.root.json")
    (folder / "metadata" / "2.root.json").mkdir()

    for name in ("metadata/1.root.json", "metadata/2.root.json"):
        with pytest.raises(DownloadError, match="is not a file"):
            read(FolderFetcher(folder), name)


def test_no_file_is_longer_than_was_signed(folder: Path) -> None:
    size = len(NAME)
    with serving_folder(folder) as url:
        for fetcher in (FolderFetcher(folder), HttpFetcher(url)):
            assert len(read(fetcher, NAME, size)) == size
            with pytest.raises(DownloadLengthMismatchError, match="longer than it may be"):
                read(fetcher, NAME, size - 1)


def test_no_file_is_longer_than_the_limit_whatever_was_signed(folder: Path) -> None:
    with (folder / NAME).open("wb") as file:
        file.truncate(LARGEST_FILE + 1)

    with pytest.raises(DownloadLengthMismatchError, match="longer than"):
        read(FolderFetcher(folder), NAME, 2**50)


def test_a_steady_drip_ends_all_the_same() -> None:
    over = threading.Event()

    class Drip(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # http.server calls it so
            self.send_response(200)
            self.end_headers()
            try:
                while not over.wait(0.02):
                    self.wfile.write(b" ")
            except OSError:
                pass

    with serving(Drip) as url:
        try:
            with pytest.raises(DownloadError, match="took too long"):
                read(HttpFetcher(url, total=0.2), NAME, 2**30)
        finally:
            over.set()


def test_an_answer_that_breaks_off_is_an_error() -> None:
    class Broken(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # http.server calls it so
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"{}")

    with serving(Broken) as url, pytest.raises(DownloadError, match="broke off"):
        read(HttpFetcher(url), NAME)


def test_the_state_is_read_under_published_names(tmp_path: Path) -> None:
    for name in ("timestamp.json", "targets.json", "root_history/2.root.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    fetcher = StateFetcher(tmp_path)

    assert read(fetcher, "metadata/timestamp.json") == b"timestamp.json"
    assert read(fetcher, "metadata/7.targets.json") == b"targets.json"
    assert read(fetcher, "metadata/2.root.json") == b"root_history/2.root.json"
    with pytest.raises(DownloadHTTPError):
        read(fetcher, RECORD)
    (tmp_path / "policy.json").write_text("policy")
    assert read(fetcher, RECORD) == b"policy"
    with pytest.raises(DownloadHTTPError):
        read(fetcher, "metadata/3.root.json")


def test_a_redirect_is_not_followed(folder: Path) -> None:
    asked: list[str] = []
    with serving_folder(folder, asked.append) as elsewhere:

        class Redirect(Quiet):
            def do_GET(self) -> None:  # noqa: N802  # http.server calls it so
                self.send_response(302)
                self.send_header("Location", f"{elsewhere}/{NAME}")
                self.end_headers()

        with serving(Redirect) as url, pytest.raises(DownloadHTTPError, match="status 302"):
            read(HttpFetcher(url), NAME)
    assert asked == []

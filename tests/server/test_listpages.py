"""The trust list as a service, and model cards."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import msgspec
import pytest
import requests

from hubproxy import wiring
from hubproxy.core.record import CardNote, Evidence, Record
from tests.server.raw import Raw, get
from tests.site import PYTHON, SPICE, Site
from tests.trust.published import serving_folder

CARD = b'{"bomFormat":"CycloneDX","specVersion":"1.6"}'
SIGNATURE = b"untrusted comment: signature from minisign\n"
IMMUTABLE = "public, max-age=31536000, immutable"
HEX = "ab" * 32


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site that publishes a list with one module, which has a card and a signature."""
    async with Site(tmp_path / "first") as site:
        site.put(SPICE)
        await describe(site, await site.approve(SPICE))
        yield site


async def describe(site: Site, record: Record, signature: bytes = SIGNATURE) -> Record:
    """Sign a record with a card and a publisher's signature, whose files lie beside the list."""
    repository = wiring.places(site.config).repository
    for folder, content, end in (("boms", CARD, ".cdx.json"), ("evidence", signature, "")):
        name = sha256(content)
        path = repository / folder / name[:2] / f"{name}{end}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    evidence = Evidence(
        kind="minisign",
        identity="google",
        digest=f"sha256:{sha256(signature)}",
        verified_at=record.decided_at,
    )
    described = msgspec.structs.replace(
        record,
        card=CardNote(digest=f"sha256:{sha256(CARD)}", size=len(CARD)),
        evidence=(evidence,),
    )
    site.list.publish([described], officer=site.officer, online=site.online)
    await site.daemon.trust.refresh()
    return described


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def record_name(record: Record) -> str:
    digest = record.descriptor.digest.hex
    return f"records/{digest[:2]}/{digest}.json"


def listed(site: Site) -> dict[str, bytes]:
    """The files of the list in force, as its officers published them."""
    folder = wiring.places(site.config).repository
    versions = site.daemon.trust.versions
    names = [f"{number}.root" for number in range(1, versions.root + 1)]
    names += [f"{versions.snapshot}.snapshot", f"{versions.targets}.targets", "timestamp"]
    found = {f"metadata/{name}.json": folder / "metadata" / f"{name}.json" for name in names}
    for path in sorted(folder.glob("records/*/*")):
        record = Record.decode(path.read_bytes())
        if not isinstance(record.card, msgspec.UnsetType):  # the one that is in force
            found[str(path.relative_to(folder))] = path
    for path in [*folder.glob("boms/*/*"), *folder.glob("evidence/*/*")]:
        found[str(path.relative_to(folder))] = path
    return {name: path.read_bytes() for name, path in found.items()}


async def test_every_file_of_the_list_is_served_as_it_was_published(site: Site) -> None:
    files = listed(site)
    assert len(files) == 7
    for name, content in files.items():
        got = await site.get(f"-/trust/{name}")
        assert (got.status, got.body) == (200, content), name
        assert got.headers["ETag"] == f'"sha256:{sha256(content)}"'
        changes = name == "metadata/timestamp.json"
        assert got.headers["Cache-Control"] == ("no-cache" if changes else IMMUTABLE)
        assert got.headers["Content-Type"] == {
            "boms": "application/vnd.cyclonedx+json; version=1.6",
            "evidence": "application/octet-stream",
        }.get(name.partition("/")[0], "application/json")
    assert [event for event in site.events() if event.event == "answer"] == []


@pytest.mark.parametrize("name", ["-/trust/metadata/timestamp.json", f"-/card/{SPICE}"])
async def test_who_has_it_already_is_told_so(site: Site, name: str) -> None:
    got = await site.get(name)
    etag = got.headers["ETag"]
    head = await site.get(name, method="HEAD")
    assert {**head.headers, "Date": ""} == {**got.headers, "Date": ""}
    assert head.body == b""
    again = await site.get(name, {**PYTHON, "If-None-Match": f'"old", {etag}'})
    assert (again.status, again.body) == (304, b"")
    assert (again.headers["ETag"], again.headers["Cache-Control"]) == (etag, "no-cache")
    assert (await site.get(name, {**PYTHON, "If-None-Match": '"old"'})).body == got.body


async def test_after_a_304_the_connection_goes_on(site: Site) -> None:
    path = "/-/trust/metadata/timestamp.json"
    etag = (await site.get(path[1:])).headers["ETag"]
    async with Raw(site.url) as raw:
        raw.say(get(path, f"If-None-Match: {etag}"))
        assert (await raw.answer(bodiless=True)).status == 304
        raw.say(get("/-/live"))
        assert (await raw.answer()).body == b"live\n"


async def test_what_changes_is_seen_at_once(site: Site) -> None:
    before = await site.get("-/trust/metadata/timestamp.json")
    site.list.publish([], officer=site.officer, online=site.online)
    await site.daemon.trust.refresh()
    etag = before.headers["ETag"]
    after = await site.get("-/trust/metadata/timestamp.json", {**PYTHON, "If-None-Match": etag})
    assert after.status == 200
    assert after.body != before.body


STRANGE = [
    pytest.param("", id="nothing"),
    pytest.param("metadata/", id="a folder"),
    pytest.param("metadata/root.json", id="no version"),
    pytest.param("metadata/99.root.json", id="a root that is not there"),
    pytest.param("metadata/0.root.json", id="version 0"),
    pytest.param("metadata/1.root.json/", id="a slash behind"),
    pytest.param("metadata/1.nobody.json", id="no team"),
    pytest.param("metadata/../keys/officer.pem", id="out of it"),
    pytest.param("metadata/%2e%2e/keys/officer.pem", id="out of it, encoded"),
    pytest.param("metadata/1...%2fkeys.json", id="an encoded slash"),
    pytest.param("../../root.json", id="above it"),
    pytest.param("lock", id="a file of the state"),
    pytest.param(f"records/ab/{HEX}.json", id="no such record"),
    pytest.param(f"records/AB/{HEX.upper()}.json", id="large letters"),
    pytest.param(f"records/cd/{HEX}.json", id="another folder"),
    pytest.param(f"records/ab/{HEX}", id="a record without its end"),
    pytest.param(f"records/ab/{HEX}.json.json", id="an end too many"),
    pytest.param(f"evidence/ab/{HEX}.json", id="a signature with an end"),
    pytest.param(f"boms/ab/{HEX}.json", id="a card with a record's end"),
    pytest.param(f"blobs/ab/{HEX}", id="a blob"),
    pytest.param("metadata/1." + "a" * 300 + ".json", id="a long name"),
]


@pytest.mark.parametrize("name", STRANGE)
async def test_any_other_name_is_none_of_the_list(site: Site, name: str) -> None:
    async with Raw(site.url) as raw:
        raw.say(get(f"/-/trust/{name}"))
        answer = await raw.answer()
    # Segments of dots the edge refuses, whatever they are for.
    assert answer.status == (400 if "../" in name else 404)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_archive_is_not_had_by_a_name_of_the_list(site: Site) -> None:
    await site.get(SPICE)
    await site.settled()
    digest = site.events()[-1].archive.removeprefix("sha256:")
    for name in (f"evidence/{digest[:2]}/{digest}", f"boms/{digest[:2]}/{digest}.cdx.json"):
        got = await site.get(f"-/trust/{name}")
        assert got.status == 404
        assert got.headers["Content-Type"] == "application/problem+json"
    assert (await site.get(f"-/trust/records/{digest[:2]}/{digest}.json")).status == 404


@pytest.mark.parametrize("known", ["by loading", "by its record", "before a start"])
async def test_a_file_beside_the_list_is_given_where_a_record_is_known_that_names_it(
    site: Site, known: str
) -> None:
    files = listed(site)
    beside = [name for name in files if name.startswith(("boms", "evidence"))]
    assert [(await site.get(f"-/trust/{name}")).status for name in beside] == [404, 404]
    if known == "by its record":
        for name in files:
            if name.startswith("records"):
                await site.get(f"-/trust/{name}")
    else:
        await site.get(SPICE)
    if known == "before a start":
        await site.settled()
        await site.restart({})
    for name in beside:
        got = await site.get(f"-/trust/{name}")
        assert (got.status, got.body) == (200, files[name])


async def test_what_no_record_names_is_not_given_and_not_kept(site: Site) -> None:
    await site.get(SPICE)
    content = b"anybody's"
    name = f"evidence/{sha256(content)[:2]}/{sha256(content)}"
    path = wiring.places(site.config).repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert (await site.get(f"-/trust/{name}")).status == 404
    assert not (wiring.places(site.config).trust_state / name).exists()


async def test_it_is_served_while_its_source_is_away(site: Site) -> None:
    files = listed(site)
    for name in files:
        await site.get(f"-/trust/{name}")
    repository = wiring.places(site.config).repository
    repository.rename(repository.with_name("away"))
    await site.restart({})

    assert site.daemon.trust.error is not None
    for name, content in files.items():
        got = await site.get(f"-/trust/{name}")
        assert (got.status, got.body) == (200, content), name
    assert (await site.get(f"-/card/{SPICE}")).body == CARD


async def test_the_list_needs_no_token(site: Site) -> None:
    await site.restart({"access.auth": "required"})
    assert (await site.get(SPICE)).status == 401
    assert (await site.get("-/trust/metadata/timestamp.json")).status == 200
    assert (await site.get(f"-/card/{SPICE}")).status == 200


# Model cards.


async def test_a_module_tells_where_its_card_is(site: Site) -> None:
    for method in ("GET", "HEAD"):
        got = await site.get(SPICE, method=method)
        assert got.headers["Link"] == f'</-/card/{SPICE}>; rel="describedby"'
    card = await site.get(f"-/card/{SPICE}")
    assert (card.status, card.body) == (200, CARD)
    assert card.headers["Content-Type"] == "application/vnd.cyclonedx+json; version=1.6"
    assert card.headers["ETag"] == f'"sha256:{sha256(CARD)}"'
    assert (await site.get("-/card/tfhub.dev/google/spice")).body == CARD


async def test_behind_the_forward_proxy_the_same_link_leads_to_the_card(site: Site) -> None:
    ca = site.folder / "ca.pem"
    ca.write_bytes(site.ca_pem)

    def through_the_proxy(url: str) -> requests.Response:
        return requests.get(url, proxies={"https": site.forward_url}, verify=str(ca), timeout=30)

    module = await asyncio.to_thread(through_the_proxy, f"https://{SPICE}")
    link = requests.utils.parse_header_links(module.headers["Link"])[0]
    url = urljoin(module.url, link["url"])
    assert (url, link["rel"]) == (f"https://tfhub.dev/-/card/{SPICE}", "describedby")
    assert (await asyncio.to_thread(through_the_proxy, url)).content == CARD


@pytest.mark.parametrize(
    ("handle", "status", "code"),
    [
        pytest.param("tfhub.dev/google/plain/1", 404, "NO_CARD", id="no card"),
        pytest.param("tfhub.dev/google/other/1", 403, "HP-T01", id="unlisted"),
        pytest.param("tfhub.dev/google/-x/1", 404, "NOT_FOUND", id="no handle"),
        pytest.param("", 404, "NOT_FOUND", id="nothing"),
    ],
)
async def test_a_card_that_is_not_there_says_why(
    site: Site, handle: str, status: int, code: str
) -> None:
    site.put("tfhub.dev/google/plain/1")
    await site.approve("tfhub.dev/google/plain/1")
    async with Raw(site.url) as raw:
        raw.say(get(f"/-/card/{handle}"))
        answer = await raw.answer()
    assert answer.status == status
    assert answer.headers["x-hubproxy-reason"].startswith(f"hubproxy {code}: ")
    assert "Link" not in (await site.get("tfhub.dev/google/plain/1")).headers


async def test_a_card_that_was_altered_is_not_given(site: Site) -> None:
    repository = wiring.places(site.config).repository
    (path,) = repository.glob("boms/*/*")
    path.write_bytes(CARD.replace(b"1.6", b"1.5"))
    got = await site.get(f"-/card/{SPICE}")
    assert (got.status, got.problem["code"]) == (503, "HP-T09")


# One site's list as another's source.


@pytest.fixture
async def second(site: Site, tmp_path: Path) -> AsyncIterator[Site]:
    """A site that reads the list, and the modules, from the first."""
    settings = {
        "trust.source": f"{site.url}/-/trust",
        "trust.root": str(wiring.places(site.config).root),
    }
    async with Site(tmp_path / "second", settings=settings, behind=site) as second:
        yield second


async def test_an_approval_and_a_revocation_reach_a_site_behind_another(
    site: Site, second: Site
) -> None:
    assert second.daemon.trust.error is None
    got = await second.get(SPICE)
    assert (got.status, got.headers["Link"]) == (200, f'</-/card/{SPICE}>; rel="describedby"')
    assert (await second.get(f"-/card/{SPICE}")).body == CARD
    other = "tfhub.dev/google/other/1"
    wanted = site.put(other)
    assert (await second.get(other)).status == 403

    record = await site.approve(other)
    await second.daemon.trust.refresh()
    assert (await second.get(other)).body == wanted

    await site.revoke(record, reason="it leaks addresses")
    await second.daemon.trust.refresh()
    got = await second.get(other)
    assert (got.status, got.problem["code"]) == (410, "HP-T10")
    assert got.problem["detail"].endswith(": it leaks addresses")


async def test_row_3_a_site_refuses_what_was_tampered_with_on_the_way(
    site: Site, second: Site
) -> None:
    before = str(second.daemon.trust.versions)
    site.list.publish([], officer=site.officer, online=site.online)
    await site.daemon.trust.refresh()
    path = wiring.places(site.config).trust_state / "current" / "timestamp.json"
    changed = msgspec.json.decode(path.read_bytes())
    changed["signed"]["version"] += 1
    path.write_bytes(msgspec.json.encode(changed))

    await second.daemon.trust.refresh()

    assert second.daemon.trust.error is not None
    assert second.daemon.trust.error.code == "HP-T09"
    assert str(second.daemon.trust.versions) == before
    assert (await second.get(SPICE)).status == 200


async def test_names_that_nobody_signed_are_not_asked_of_the_source(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    asked: list[str] = []
    with serving_folder(wiring.places(site.config).repository, asked.append) as url:
        settings = {"trust.source": url, "trust.root": str(wiring.places(site.config).root)}
        async with Site(tmp_path / "second", settings=settings, behind=site) as second:
            for name in (f"evidence/ab/{HEX}", f"boms/ab/{HEX}.cdx.json"):
                assert (await second.get(f"-/trust/{name}")).status == 404
            assert (await second.get(f"-/card/{SPICE}")).body == CARD
    assert [path for path in asked if path.startswith("/evidence")] == []
    assert len([path for path in asked if path.startswith("/boms")]) == 1


async def test_a_site_behind_another_goes_on_while_that_is_away(site: Site, second: Site) -> None:
    wanted = (await second.get(SPICE)).body
    await second.settled()
    await site.stop()
    await second.restart({})
    assert second.daemon.trust.error is not None
    assert second.daemon.trust.error.code == "TRUST_UNREACHABLE"
    assert (await second.get(SPICE)).body == wanted
    assert (await second.get("-/trust/metadata/timestamp.json")).status == 200
    await site.start()


# Why a module is served or not.


async def test_anyone_may_ask_why_a_module_is_served(site: Site) -> None:
    got = await site.get(f"-/why/{SPICE}")
    assert (got.status, got.headers["Content-Type"]) == (200, "application/json")
    (listed,) = got.problem["listed"]
    assert (listed["handle"], listed["refused"], listed["warnings"]) == (SPICE, None, [])
    assert (listed["signed"]["role"], listed["signed"]["signed"]) == ("targets", ["ada"])
    assert (listed["record"]["files"], "chunks" in listed["record"]) == (3, False)
    assert listed["record"]["evidence"][0]["identity"] == "google"
    assert got.problem["trust"] == str(site.daemon.trust.versions)


async def test_anyone_may_ask_why_a_module_is_not(site: Site) -> None:
    got = await site.get("-/why/tfhub.dev/google/other/1")
    assert (got.status, got.problem["listed"]) == (200, [])
    assert got.problem["unlisted"]["code"] == "HP-T01"
    assert got.problem["approvers"][0]["role"] == "targets"
    assert (await site.get("-/why/-x")).status == 404
    record = await site.approve(SPICE)
    await site.revoke(record, reason="it leaks addresses")
    (listed,) = (await site.get(f"-/why/{SPICE}")).problem["listed"]
    assert listed["refused"]["code"] == "HP-T10"
    assert listed["refused"]["text"].endswith(": it leaks addresses")


async def test_clients_that_take_nothing_cost_no_memory_without_end(tmp_path: Path) -> None:
    content = random.Random(8).randbytes(6 * 1024**2)
    name = f"evidence/{sha256(content)[:2]}/{sha256(content)}"
    async with Site(tmp_path) as site:
        site.put(SPICE)
        await describe(site, await site.approve(SPICE), content)
        await site.get(SPICE)
        assert (await site.get(f"-/trust/{name}")).body == content
        async with Raw(site.url, buffer=4096) as first, Raw(site.url, buffer=4096) as second:
            for raw in (first, second):
                raw.say(get(f"/-/trust/{name}"))
            async with asyncio.timeout(30):
                while (got := await site.get(f"-/trust/{name}")).status == 200:
                    await asyncio.sleep(0.01)
            assert (got.status, got.problem["code"]) == (503, "BUSY")
            head = await site.get(f"-/trust/{name}", method="HEAD")
            assert (head.status, head.headers["Content-Length"]) == (200, str(len(content)))
            assert (await site.get("-/trust/metadata/timestamp.json")).status == 200
        async with asyncio.timeout(30):
            while (got := await site.get(f"-/trust/{name}")).status != 200:
                await asyncio.sleep(0.01)
        assert got.body == content

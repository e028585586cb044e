"""What a person sees of the CA."""

import asyncio
import stat
import subprocess

from cryptography import x509

from hubproxy.ca.folder import open_authority
from tests.ca.forging import NOW, cert_pem, certificate
from tests.ca.leaks import spellings
from tests.ca.sites import own_files
from tests.cli.place import Place


def subjects(pem: str) -> list[str]:
    found = x509.load_pem_x509_certificates(pem.encode())
    return [one.subject.rfc4514_string() for one in found]


def own(place: Place) -> None:
    """Bring a CA of one's own."""
    pem, key = own_files(place.folder)
    place.variables |= {
        "HUBPROXY_FORWARD_CA_CERTIFICATE": str(pem),
        "HUBPROXY_FORWARD_CA_KEY": str(key),
    }


async def test_export_makes_the_ca_on_first_use(place: Place) -> None:
    done = await place.good("ca", "export")
    assert done.out == (place.data / "ca" / "ca.pem").read_text()
    assert done.errors.startswith("made hubproxy CA ")
    assert str(place.data / "ca") in done.errors
    again = await place.good("ca", "export")
    assert (again.out, again.errors) == (done.out, "")


async def test_show_makes_none(place: Place) -> None:
    done = await place.run("ca", "show")
    assert (done.status, done.out) == (1, "")
    assert done.errors.startswith("hubproxy: CA_MISSING: there is no CA in ")
    assert "`hubproxy ca export`" in done.errors
    assert not place.data.exists()


async def test_show_tells_what_the_ca_is(place: Place) -> None:
    pem = (await place.good("ca", "export")).out
    root = x509.load_pem_x509_certificate(pem.encode())
    done = await place.good("ca", "show")
    subject, sha256, until, permits, file = done.out.splitlines()
    assert subject == root.subject.rfc4514_string().removeprefix("CN=")
    openssl = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
        input=pem, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    fingerprint = openssl.partition("=")[2].strip().replace(":", "").lower()
    assert sha256.split() == ["sha256", fingerprint]
    assert until == f"  valid until  {root.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    assert permits == "  permits      tfhub.dev, and names below"
    assert file == f"  file         {place.data}/ca/ca.pem"
    assert (await place.good("ca", "show", "--json")).objects == [
        {
            "subject": subject,
            "sha256": fingerprint,
            "expires": root.not_valid_after_utc.isoformat(),
            "permits": ["tfhub.dev"],
            "file": f"{place.data}/ca/ca.pem",
        }
    ]


async def test_show_names_a_hub_that_the_ca_does_not_permit(place: Place) -> None:
    await place.good("ca", "export")
    place.settings.write_text(
        place.settings.read_text() + '[[hub]]\nhost = "a.example"\nurl = "https://a.example"\n'
    )
    done = await place.good("ca", "show")
    assert "it does not permit a.example" in done.errors
    assert "`hubproxy ca rotate`" in done.errors
    await place.good("ca", "rotate")
    done = await place.good("ca", "show")
    assert done.errors == ""
    assert "  permits      tfhub.dev, a.example, and names below\n" in done.out


async def test_an_expired_ca_is_shown_and_not_exported(place: Place) -> None:
    place.data.mkdir(mode=0o700)
    open_authority(place.data / "ca", ["tfhub.dev"], now=NOW.replace(year=NOW.year - 6))
    done = await place.good("ca", "show")
    assert "it has expired" in done.errors
    done = await place.run("ca", "export")
    assert (done.status, done.out) == (1, "")
    assert "`hubproxy ca rotate`" in done.errors
    await place.good("ca", "rotate")
    assert len(subjects((await place.good("ca", "export")).out)) == 1


async def test_export_writes_a_whole_file(place: Place) -> None:
    out = place.folder / "ca.pem"
    out.write_text("old")
    done = await place.good("ca", "export", "-o", "ca.pem")
    assert done.out == ""
    assert out.read_bytes() == (place.data / "ca" / "ca.pem").read_bytes()
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    assert (await place.good("ca", "export", "-o", "-")).out == out.read_text()
    assert (await place.good("ca", "export", "-o", "/dev/stdout")).out == out.read_text()
    done = await place.run("ca", "export", "-o", "nowhere/ca.pem")
    assert (done.status, done.out) == (2, "")
    assert "nowhere/ca.pem cannot be written: No such file or directory" in done.errors


async def test_merged_holds_the_roots_of_the_host_as_well(place: Place) -> None:
    (place.folder / "roots.pem").write_bytes(cert_pem(certificate(subject="corporate root")))
    place.variables["SSL_CERT_FILE"] = str(place.folder / "roots.pem")
    done = await place.good("ca", "export", "--merged")
    assert done.out.startswith("# hubproxy: CN=hubproxy CA ")
    ours, corporate = subjects(done.out)
    assert (ours[:15], corporate) == ("CN=hubproxy CA ", "CN=corporate root")


async def test_after_a_rotation_both_certificates_are_exported(place: Place) -> None:
    old = subjects((await place.good("ca", "export")).out)
    done = await place.good("ca", "rotate")
    assert "`hubproxy ca export`" in done.errors
    assert "SIGHUP" in done.errors
    both = subjects((await place.good("ca", "export")).out)
    assert both == [f"CN={done.out.partition(',')[0]}", *old]
    merged = (await place.good("ca", "export", "--merged")).out
    assert merged.count("# hubproxy: ") == 2
    await place.good("ca", "rotate", "--distrust-previous")
    assert len(subjects((await place.good("ca", "export")).out)) == 1


async def test_all_of_it_works_beside_a_running_daemon(place: Place) -> None:
    await place.begin()
    async with place.serving():
        for words in (["export"], ["show"], ["rotate"], ["export", "--merged"]):
            await place.good("ca", *words)


async def test_exports_that_come_at_once_agree(place: Place) -> None:
    done = await asyncio.gather(*(place.good("ca", "export") for _ in range(3)))
    assert len({one.out for one in done}) == 1


async def test_a_ca_of_ones_own_is_shown_and_exported_without_its_key(
    place: Place,
) -> None:
    own(place)
    (place.folder / "own.key").unlink()
    assert subjects((await place.good("ca", "export")).out) == ["CN=site root"]
    (shown,) = (await place.good("ca", "show", "--json")).objects
    assert (shown["subject"], shown["permits"]) == ("site root", None)
    assert shown["file"] == str(place.folder / "own.pem")
    assert "  permits      every host\n" in (await place.good("ca", "show")).out
    assert not (place.data / "ca").exists()


async def test_a_ca_of_ones_own_is_not_ours_to_rotate(place: Place) -> None:
    own(place)
    before = (place.folder / "own.key").read_bytes()
    done = await place.run("ca", "rotate")
    assert (done.status, done.out) == (2, "")
    assert "the CA is your own" in done.errors
    assert (place.folder / "own.key").read_bytes() == before


async def test_no_command_prints_the_key(place: Place) -> None:
    """Not when all is well, and not when the files are damaged."""
    said = [await place.run("ca", "export")]
    key = place.data / "ca" / "ca.key"
    pem = key.read_bytes()
    commands = [["show"], ["export", "--merged"]]
    for damage in (pem, pem[:100], b"x" + pem):
        key.write_bytes(damage)
        said += [await place.run("ca", *words) for words in commands]
        (place.data / "ca" / "ca.pem").unlink()
        said += [await place.run("ca", *words) for words in commands]
        key.write_bytes(pem)
        await place.good("ca", "export", "-o", "out.pem")
    key.chmod(0o644)
    (place.data / "ca" / "ca.pem").unlink()
    said += [await place.run("ca", "export"), await place.run("ca", "rotate")]
    everything = "".join(one.out + one.errors for one in said).encode()
    everything += (place.folder / "out.pem").read_bytes()
    assert b"BEGIN CERTIFICATE" in everything
    assert b"is open to others" in everything
    for spelling in spellings(pem):
        assert spelling not in everything

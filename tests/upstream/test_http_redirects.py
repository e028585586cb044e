"""Redirects that are followed, those that are not, and who gets the credentials."""

import pytest

from hubproxy.core.fetching import Resume
from hubproxy.errors import UpstreamError, UpstreamForbiddenError
from hubproxy.upstream.http import HttpUpstream
from tests import faults
from tests.origin import Origin
from tests.upstream.conftest import ARCHIVE, PATH, Taken, hub

TAG = '"v1"'


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(origin: Origin, upstream: HttpUpstream, code: int) -> None:
    origin.put("/store/a%7eb", ARCHIVE, etag=TAG)
    origin.misbehave(PATH, faults.redirect("/store/a%7eb?X-Signature=s%2bt/u%7e", code))
    taken = await Taken().take(upstream, Resume(1000, TAG))
    assert taken.body == ARCHIVE[1000:]
    assert taken.answer.url == f"{origin.url}/store/a%7eb"
    assert origin.requests[1].target == "/store/a%7eb?X-Signature=s%2bt/u%7e"


async def test_five_hops_are_followed_and_six_are_not(
    origin: Origin, upstream: HttpUpstream
) -> None:
    for hop in range(1, 6):
        origin.always(f"/{hop}", faults.redirect(f"/{hop + 1}"))
    origin.put("/6", ARCHIVE)
    origin.misbehave(PATH, faults.redirect("/2"))
    assert (await Taken().take(upstream)).body == ARCHIVE
    origin.misbehave(PATH, faults.redirect("/1"))
    with pytest.raises(UpstreamForbiddenError, match="more than 5 redirects"):
        await Taken().take(upstream)


BAD_REDIRECTS = {
    PATH + "?tf-hub-format=compressed": "in a loop",
    "https://evil.example/x": "evil.example is not among",
    "file:///etc/passwd": "scheme is 'file'",
    "http://user:secret@127.0.0.1/": "user name",
    "http://169.254.169.254/latest/meta-data/": "169.254.169.254 is not among",
    "http://0x7f.1/": "Expected 4 octets",
    "https:///x": "names no host",
}


@pytest.mark.parametrize(("location", "why"), BAD_REDIRECTS.items())
async def test_a_bad_redirect_is_not_followed(
    origin: Origin, upstream: HttpUpstream, location: str, why: str
) -> None:
    origin.misbehave(PATH, faults.redirect(location))
    with pytest.raises(UpstreamForbiddenError, match=why) as refused:
        await Taken().take(upstream)
    assert not refused.value.transient
    assert len(origin.requests) == 1


@pytest.mark.parametrize(
    "headers", [(), (("Location", "/a"), ("location", "/b"))], ids=["none", "two"]
)
async def test_a_redirect_names_one_place(
    origin: Origin, upstream: HttpUpstream, headers: tuple[tuple[str, str], ...]
) -> None:
    origin.misbehave(PATH, faults.Fault(status=302, reason="Found", headers=headers))
    with pytest.raises(UpstreamError, match="a redirect to nowhere"):
        await Taken().take(upstream)


async def test_a_redirect_to_another_host_is_checked_by_address_too(origin: Origin) -> None:
    # The pattern allows the name; the guard still looks at where it leads.
    origin.misbehave(PATH, faults.redirect("http://0.0.0.0/"))
    async with HttpUpstream(hub(origin, redirects=("*",))) as upstream:
        with pytest.raises(UpstreamForbiddenError, match=r"0\.0\.0\.0 is this network"):
            await Taken().take(upstream)


# Credentials


@pytest.mark.parametrize(
    ("credentials", "sent"),
    [
        ({"token": "t0ken"}, "Bearer t0ken"),
        ({"username": "user", "password": "s3cret"}, "Basic dXNlcjpzM2NyZXQ="),
    ],
)
async def test_credentials_go_to_the_configured_origin_alone(
    origin: Origin, credentials: dict[str, object], sent: str
) -> None:
    async with Origin() as other:
        origin.misbehave(PATH, faults.redirect("/inside"))
        origin.misbehave("/inside", faults.redirect(f"{other.url}/outside"))
        other.put("/outside", ARCHIVE)
        home = hub(origin, **credentials)
        assert all(
            str(value) not in repr(home) for value in credentials.values() if value != "user"
        )
        async with HttpUpstream(home) as upstream:
            assert (await Taken().take(upstream)).body == ARCHIVE
    assert [request.headers["authorization"] for request in origin.requests] == [sent, sent]
    assert "authorization" not in other.requests[0].headers

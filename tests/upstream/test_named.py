import pytest

from hubproxy.core.handle import Handle
from hubproxy.upstream.named import NamedUrl

ANY = Handle("localhost", "named", 0)


def test_it_is_asked_for_whatever_is_wanted() -> None:
    url = "https://Models.Example/a%20b.tar.gz?sig=1&x=2"
    target = NamedUrl(hub="localhost", url=url).target(ANY)
    assert target.url == "https://models.example/a%20b.tar.gz?sig=1&x=2"
    assert target.shown == "https://models.example/a%20b.tar.gz"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://ada:secret@a.example/m", "it carries a user name"),
        ("file:///etc/passwd", "its scheme is 'file'"),
        ("https:///m", "it names no host"),
        ("https://a.example/a b", "it has characters that a URL may not have"),
    ],
)
def test_a_url_that_cannot_be_asked_is_told_at_once(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        NamedUrl(hub="localhost", url=url)

"""Which addresses may be reached, and that both gates ask."""

import socket
from ipaddress import ip_address

import pytest

from hubproxy.errors import UpstreamForbiddenError
from hubproxy.upstream.guard import ForbiddenAddressError, Guard, GuardedResolver, forbidden
from tests.upstream.conftest import Names

NEVER = """
0.0.0.0 0.1.2.3 192.0.0.1 192.0.0.8 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255
198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:0.0.0.0 ::ffff:224.0.0.1
64:ff9b::e000:1 64:ff9b:1::a9fe:a9fe 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1
2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:808:808:: 3ffe::1 3fff::1
ff02::1 ff05::2 ff0e::1 4000::1 5f00::1 e000::1 200::1 1::1
""".split()
PRIVATE = """
10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1
::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 febf::1 fec0::1
::ffff:10.0.0.1 ::ffff:100.64.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254
64:ff9b::a9fe:a9fe 64:ff9b::7f00:1 64:ff9b::6440:1
""".split()
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 128.0.0.1 169.253.255.255
172.15.255.255 172.32.0.0 192.0.1.1 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450:4001::200e ::ffff:8.8.8.8 64:ff9b::808:808
""".split()


@pytest.mark.parametrize("text", NEVER)
def test_no_upstream_reaches(text: str) -> None:
    assert forbidden(ip_address(text))
    assert forbidden(ip_address(text), private=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_only_a_private_upstream_reaches(text: str) -> None:
    assert forbidden(ip_address(text))
    assert forbidden(ip_address(text), private=True) is None


@pytest.mark.parametrize("text", PUBLIC)
def test_every_upstream_reaches(text: str) -> None:
    assert forbidden(ip_address(text)) is None


def test_no_socket_is_made_for_a_forbidden_address() -> None:
    row = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("169.254.169.254", 80))
    with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254 is link-local"):
        Guard(private=False).socket(row)
    with Guard(private=True).socket(row) as made:
        assert made.family == socket.AF_INET


async def test_a_name_with_one_forbidden_answer_is_not_used() -> None:
    names = Names({"rebind.example": ["8.8.8.8", "2606:4700:4700::1111", "127.0.0.1"]})
    resolver = GuardedResolver(Guard(private=False), names)
    with pytest.raises(UpstreamForbiddenError, match=r"resolves to 127\.0\.0\.1, which"):
        await resolver.resolve("rebind.example", 443)
    await resolver.close()
    assert names.closed


async def test_a_name_with_good_answers_resolves() -> None:
    resolver = GuardedResolver(
        Guard(private=False), Names({"good.example": ["8.8.8.8", "1.1.1.1"]})
    )
    answers = await resolver.resolve("good.example", 443)
    assert [answer["host"] for answer in answers] == ["8.8.8.8", "1.1.1.1"]

"""What a stranger may have us connect to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.transport.public_addresses import is_public, target

PRIVATE = (
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::",
    "2002:7f00:1::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)
PUBLIC = ("8.8.8.8", "142.250.185.74", "::ffff:8.8.8.8", "2607:f8b0:4005:80a::200a", "2a00::1")


@pytest.mark.parametrize("text", PRIVATE)
def test_what_only_we_can_reach_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_everybody_can_reach_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4, network=IPv4Network("10.0.0.0/8")))
def test_no_form_of_a_private_address_is_public(address: IPv4Address) -> None:
    number = int(address)
    forms = (0xFFFF << 32 | number, number, 0x2002 << 112 | number << 80, 0x64FF9B << 96 | number)
    assert not any(is_public(IPv6Address(form)) for form in forms)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://push.example.com/x?y=z", ("push.example.com", 443)),
        ("https://push.example.com:8443", ("push.example.com", 8443)),
        ("https://push.example.com?x", ("push.example.com", 443)),
        ("http://127.0.0.1:80/", ("127.0.0.1", 80)),
        ("https://[2001:DB8::1]:444/", ("2001:db8::1", 444)),
        ("https://PUSH.example.com/Ab", ("push.example.com", 443)),
        ("https://a_b.xn--bcher-kva.example/", ("a_b.xn--bcher-kva.example", 443)),
    ],
)
def test_host_and_port(url: str, found: tuple[str, int]) -> None:
    assert target(url) == found


@pytest.mark.parametrize(
    "authority",
    [
        "",
        "user@push.example.com",
        "push.example.com@127.0.0.1",
        "push.example.com\\@127.0.0.1",
        "127.0.0.1\\.example.com",
        "127%2e0%2e0%2e1",
        "２１.example.com",
        "push.example.com#@127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "0177.0.0.1",
        "1.2.3.0x",
        "[::1",
        "[::1%25eth0]",
        "[::ffff:7f00:1]:",
        "push.example.com:https",
        "push example.com",
        "push\t.example.com",
        ".example.com",
    ],
)
def test_a_host_that_libraries_read_differently_is_refused(authority: str) -> None:
    with pytest.raises(ValueError, match="bad_host"):
        target(f"https://{authority}/x")

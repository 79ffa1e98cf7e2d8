"""A callback's URL, taken apart so that what is checked is what is connected to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from worker.callbacks.destination import destination, may_connect


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com/hook?campaign=1&x=%7e[]'\"&x=2", "/hook?campaign=1&x=%7e[]'\"&x=2"),
        ("https://example.com?a=b+c%20d", "/?a=b+c%20d"),
        ("https://example.com/a?", "/a?"),
        ("https://example.com", "/"),
        ("https://example.com/a?b=c#d?e", "/a?b=c"),
        ("https://example.com/%C3%BC/ü", "/%C3%BC/%C3%BC"),
        ("https://example.com/a/../b//c", "/a/../b//c"),
    ],
)
def test_path_and_query_stay_as_the_caller_wrote_them(url: str, target: str) -> None:
    assert destination(url).target == target


def test_a_user_name_goes_into_its_own_field() -> None:
    found = destination("https://ann:s%40cret@Example.com:8443/x")
    assert (found.host, found.port, found.authority) == ("example.com", 8443, "example.com:8443")
    assert found.authorization == "Basic YW5uOnNAY3JldA=="
    assert "cret" not in repr(found)
    assert "x" not in repr(found).replace("example", "")


def test_names_in_other_letters_are_looked_up_in_their_ascii_form() -> None:
    assert destination("http://bücher.example:81/").authority == "xn--bcher-kva.example:81"


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://[::1%25lo]/",
        "http://a b/", "http://example.com:0/", "http://example.com:65536/", "http://exa%6dple.com/",
        "ftp://example.com/", "http:///x",
    ],
)  # fmt: skip
def test_what_libraries_read_differently_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        destination(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:10.1.2.3",
    ],
)
def test_private_addresses_are_refused_unless_their_network_is_allowed(address: str) -> None:
    found = ip_address(address)
    assert not may_connect(found, ())
    assert not may_connect(found, [ip_network("172.16.0.0/12")])
    everything = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    assert may_connect(found, everything)


def test_an_allowed_network_allows_its_mapped_form_and_nothing_beside() -> None:
    allowed = [ip_network("10.0.0.0/8")]
    assert may_connect(ip_address("::ffff:10.1.2.3"), allowed)
    assert not may_connect(ip_address("192.168.0.1"), allowed)
    assert may_connect(ip_address("93.184.215.14"), allowed)

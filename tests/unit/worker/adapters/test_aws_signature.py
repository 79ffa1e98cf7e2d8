"""Signature Version 4, by the vectors that Amazon published with it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker.adapters.aws_signature import Signer
from worker.adapters.base import HttpRequest

NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SIGNER = Signer("service", "us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
URL = "https://example.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "url", "headers", "signature"),
    [
        ("GET", "/", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", {}, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            {},
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "/",
            {"My-Header1": "value1"},
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case", "post-header"],
)
def test_the_published_vectors(
    method: str, url: str, headers: dict[str, str], signature: str
) -> None:
    """aws-sig-v4-test-suite."""
    signed = SIGNER.sign(HttpRequest(method, URL + url, headers, b""), NOW)
    assert signed.headers["authorization"].endswith(f"Signature={signature}")
    assert signed.headers["x-amz-date"] == "20150830T123600Z"
    assert "host" not in signed.headers


def test_a_session_token_is_signed_too() -> None:
    signer = Signer("service", "us-east-1", "AKIDEXAMPLE", "secret", "token")
    signed = signer.sign(HttpRequest("GET", URL, {}, b""), NOW)
    assert signed.headers["x-amz-security-token"] == "token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in signed.headers["authorization"]
    assert "secret" not in repr(signer)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example:443/", "a.example"),
        ("http://a.example/", "a.example"),
        ("http://127.0.0.1:9000/", "127.0.0.1:9000"),
        ("https://[::1]:8443/", "[::1]:8443"),
    ],
)
def test_the_host_is_signed_as_the_transport_will_write_it(url: str, host: str) -> None:
    one = SIGNER.sign(HttpRequest("GET", url, {}, b""), NOW)
    two = SIGNER.sign(HttpRequest("GET", url, {"host": host}, b""), NOW)
    assert one.headers["authorization"] == two.headers["authorization"]

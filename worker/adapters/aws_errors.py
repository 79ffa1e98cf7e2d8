"""Amazon's errors, which both of its adapters read alike.

The name of an error stands in a field of the header or in the body, with or without what it is
the name in: ``com.amazon.coral.service#ThrottlingException``, ``..:http://internal.amazon.com/..``.

- https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
- https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html (operation error serialization)
"""

from __future__ import annotations

from worker.adapters.base import HttpResponse, Outcome, Throttled
from worker.adapters.reply import at_path, parse_json, short_code

#: Too many requests, by whichever of its names.
_TOO_FAST = frozenset(
    {
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "LimitExceededException",
    }
)

#: Who asks, and what they may do. A clock that is wrong is among it.
REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "UnknownOperationException",
    }
)


def error_name(response: HttpResponse) -> str | None:
    """The bare name of the error in an answer; ``None`` where it has none."""
    found = response.headers.get("x-amzn-errortype")
    if found is None:
        content = parse_json(response.body)
        found = at_path(content, "__type") or at_path(content, "code")
    if not isinstance(found, str):
        return None
    return short_code(found.rpartition("#")[2].partition(":")[0].strip())


def throttled(response: HttpResponse, name: str | None) -> Outcome | None:
    """That it was too fast; ``None`` where it was something else. Amazon names no time to wait."""
    if response.status == 429 or name in _TOO_FAST:
        return Throttled(None, name or f"http_{response.status}")
    return None

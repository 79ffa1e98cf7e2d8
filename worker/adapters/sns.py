"""Amazon SNS, through which Amazon's services deliver their reports.

    {"Type": "Notification", "MessageId": .., "TopicArn": .., "Message": "{..}", "Timestamp": ..,
     "SignatureVersion": "2", "Signature": .., "SigningCertURL": ..}

Anybody can have a topic of their own, whose messages Amazon signs as well: what counts is the
signature together with the topic.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters.aws_signature import AwsOptions
from worker.adapters.base import ForgedReport, HttpRequest
from worker.adapters.options import Secret, matching
from worker.adapters.reply import at_path, moment, parse_json

#: In seconds. SNS repeats a call with its first timestamp, for an hour at most:
#: https://docs.aws.amazon.com/sns/latest/dg/creating-delivery-policy.html
TOLERANCE = 4_200

#: What is signed, in this order; a message may have no subject.
_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_FIELDS["UnsubscribeConfirmation"] = _FIELDS["SubscriptionConfirmation"]

_HASHES: Mapping[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}


class SnsOptions(AwsOptions):
    """Credentials, and how the account's reports are delivered."""

    #: Without it there are no reports.
    configuration_set: (
        Annotated[
            str, matching(r"[A-Za-z0-9_-]{1,64}", "must be 1 to 64 letters, digits, '_' and '-'")
        ]
        | None
    ) = None
    #: Which topic reports are published to; unset: nobody waits for any.
    topic_arn: (
        Annotated[
            str,
            matching(
                r"arn:aws[a-z-]*:sns:[!-~]{1,256}",
                "must be the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:sms",
            ),
        ]
        | None
    ) = None
    #: The certificate that SNS signs with, PEM, as it lies at SigningCertURL; unset: reports prove
    #: nothing.
    sns_certificate: Secret | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, and the key that its messages are signed with."""

    arn: str
    key: RSAPublicKey | None

    @classmethod
    def of(cls, config: ProviderConfig, options: SnsOptions) -> Topic | None:
        """The topic of an account; ``None`` where it has none.

        Raises:
            ConfigurationError: a key needs another, or the certificate is none.
        """
        where = f"providers.{config.name}"
        if options.topic_arn is None:
            if options.sns_certificate is not None:
                raise ConfigurationError(f"{where}.sns_certificate: needs topic_arn.")
            return None
        if options.configuration_set is None:
            raise ConfigurationError(
                f"{where}.topic_arn: needs configuration_set, whose event destination it is."
            )
        if options.sns_certificate is None:
            return cls(options.topic_arn, None)
        try:
            pem = options.sns_certificate.get_secret_value().encode()
            key = load_pem_x509_certificate(pem).public_key()
        # What it raises depends on what is wrong.
        except Exception:
            key = None
        if not isinstance(key, RSAPublicKey):
            raise ConfigurationError(f"{where}.sns_certificate: must be a certificate in PEM.")
        return cls(options.topic_arn, key)

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Check topic, signature and age of a call; nothing without a certificate.

        Raises:
            ForgedReport: one of them is wrong.
        """
        if self.key is None:
            return
        content = parse_json(request.body)
        if at_path(content, "TopicArn") != self.arn:
            raise ForgedReport("the call is not of the topic that was set up")
        algorithm = _HASHES.get(str(at_path(content, "SignatureVersion")))
        if algorithm is None:
            raise ForgedReport("the signature has no version that is known")
        try:
            signature = b64decode(str(at_path(content, "Signature")), validate=True)
            self.key.verify(signature, _signed(content), PKCS1v15(), algorithm())
        except (InvalidSignature, Base64Error, ValueError):
            raise ForgedReport("the signature does not match") from None
        at = moment(at_path(content, "Timestamp"))
        if at is None or abs((now - at).total_seconds()) > TOLERANCE:
            raise ForgedReport("the call is too old")


def _signed(content: Mapping[str, Any]) -> bytes:
    names = _FIELDS.get(str(content.get("Type")))
    if names is None:
        raise ForgedReport("the call is of no type that is known")
    present = [name for name in names if content.get(name) is not None]
    return "".join(f"{name}\n{content[name]}\n" for name in present).encode()


def event(request: HttpRequest) -> dict[str, Any] | None:
    """The event in a call; ``None`` where it is about the subscription.

    Raises:
        ValueError: the call is not of SNS, or its message is no event.
    """
    content = parse_json(request.body)
    kind = at_path(content, "Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return None
    message = at_path(content, "Message")
    text = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else b""
    found = parse_json(text)
    if kind != "Notification" or not isinstance(found, dict):
        raise ValueError("a call must be a notification of SNS with a JSON object in it")
    return found

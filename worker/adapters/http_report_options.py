"""The keys of the adapter ``http`` that say how delivery reports are read and proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from campaigns.run.events import ReportKind
from worker.adapters.http_paths import CallPath, CallPaths, Path
from worker.adapters.http_reply_options import Word
from worker.adapters.http_times import TimeFormat
from worker.adapters.options import HeaderName, Options, ReportUrl, Secret


class ReportSignature(BaseModel):
    """What proves that a call is the provider's.

        report_signature = { header = "x-signature", secret = "env:HOOKS", signed = "{body}" }

    ``signed`` is what the HMAC is of: ``{body}``, ``{url}`` (report_url with the query of the
    call), ``{timestamp}``, ``{header.NAME}``, and ``{fields}``: each field of a form, a query or
    a flat JSON object in the form of ``fields``, sorted by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)

    #: ``token``: no signature, the value is the secret itself.
    algorithm: Literal["hmac-sha1", "hmac-sha256", "hmac-sha512", "token"] = "hmac-sha256"
    secret: Secret
    secret_encoding: Literal["text", "base64", "hex"] = "text"  # noqa: S105
    #: Where the signature stands: in a header field, or in a field of the form.
    header: HeaderName | None = None
    field: str | None = None
    #: What stands before it, such as ``sha256=``.
    prefix: str = ""
    encoding: Literal["hex", "base64"] = "hex"
    signed: str = "{body}"
    fields: str = "{name}{value}"
    #: What is put in the place of characters of the values.
    fields_replace: dict[str, str] = Field(default_factory=dict)
    timestamp_header: HeaderName | None = None
    timestamp_field: str | None = None
    timestamp_format: TimeFormat = "unix"
    #: Seconds for which a call is good, where it says when it was made.
    tolerance: float = Field(default=300, gt=0, le=7 * 86_400)


class ReportOptions(Options):
    """How reports are read."""

    #: Where the provider shall send them: ``{report_url}``. Its query may hold ``{reference}``.
    report_url: ReportUrl | None = None
    #: ``auto``: by the method and the content type of the call.
    report_format: Literal["json", "form", "query", "auto"] = "json"
    #: Where the list of reports stands in a call; unset: the call is one, or a list of them.
    report_list_path: Path | None = None

    report_reference_path: CallPath | None = None
    report_id_path: CallPath | None = None
    #: Of ids that are good for one recipient only: they are kept as ``id:recipient``.
    report_recipient_path: CallPath | None = None
    #: Which part it is of, and of how many; see part_count_path.
    report_part_path: CallPath | None = None
    report_part_count_path: CallPath | None = None

    #: The kind of the call; unset: there is one kind.
    report_event_path: CallPath | None = None
    #: Of these the calls are reports, all others are left alone.
    report_events: list[Word] | None = None
    #: The provider's own id of an opening or a click.
    report_event_id_path: CallPath | None = None

    #: Reports are understood when this is set. Of several paths, the first counts whose status is
    #: in a list below.
    report_status_path: CallPaths | None = None
    report_delivered: list[Word] = Field(default_factory=lambda: ["delivered"])
    report_undelivered: list[Word] = Field(
        default_factory=lambda: ["undelivered", "failed", "rejected", "expired"]
    )
    report_opened: list[Word] = Field(default_factory=list)
    report_clicked: list[Word] = Field(default_factory=list)
    #: Steps on the way.
    report_ignored: list[Word] = Field(default_factory=list)
    #: What becomes of a call with a status that is in no list.
    report_unknown_status: Literal["ignored", "refused", "failed"] = "ignored"

    #: Why it was not delivered; unset: the status itself.
    report_code_path: CallPaths | None = None
    #: Values there that say nothing.
    report_no_code: list[Word] = Field(default_factory=lambda: ["0"])
    #: Codes that say that the address is dead for ever.
    report_gone: list[Word] = Field(default_factory=list)
    report_time_path: CallPaths | None = None
    report_time_format: TimeFormat = "iso"

    report_signature: ReportSignature | None = None

    #: Incoming messages are understood when these three are set, and report_signature proves them.
    inbound_sender_path: CallPath | None = None
    inbound_recipient_path: CallPath | None = None
    inbound_text_path: CallPath | None = None
    inbound_id_path: CallPath | None = None
    #: Where the list of messages stands in a call; unset: the call is one.
    inbound_list_path: Path | None = None

    @property
    def has_inbound(self) -> bool:
        """Whether incoming messages are described."""
        return self.inbound_text_path is not None

    def kinds(self) -> Mapping[str, ReportKind | None]:
        """What each status means; ``None``: a step on the way."""
        return {
            **dict.fromkeys(self.report_ignored),
            **dict.fromkeys(self.report_delivered, "delivered"),
            **dict.fromkeys(self.report_undelivered, "failed"),
            **dict.fromkeys(self.report_opened, "opened"),
            **dict.fromkeys(self.report_clicked, "clicked"),
        }

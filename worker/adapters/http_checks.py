"""What keys of the adapter ``http`` ask of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from worker.adapters.http_options import HttpOptions
from worker.adapters.http_paths import QUERY
from worker.adapters.http_report_options import ReportSignature

#: A key, and the rule that it breaks.
Fault = tuple[str, str]

#: What says nothing unless a report is understood.
_ABOUT_REPORTS = (
    "report_format",
    "report_list_path",
    "report_recipient_path",
    "report_part_path",
    "report_part_count_path",
    "report_event_path",
    "report_events",
    "report_event_id_path",
    "report_opened",
    "report_clicked",
    "report_ignored",
    "report_unknown_status",
    "report_code_path",
    "report_no_code",
    "report_gone",
    "report_time_path",
    "report_time_format",
    "report_signature",
)

#: What must be proven where a call proves itself. Our reference does so without any signature.
_CALL_PATHS = (
    "report_id_path",
    "report_status_path",
    "report_code_path",
    "report_event_path",
    "report_event_id_path",
    "report_recipient_path",
    "report_part_path",
    "report_part_count_path",
    "report_time_path",
    "inbound_sender_path",
    "inbound_recipient_path",
    "inbound_text_path",
    "inbound_id_path",
)

#: A key that means nothing without another one.
_NEEDS = (
    ("success_values", "success_path"),
    ("body_status", "success_path"),
    ("unlisted_code", "success_path"),
    ("error_codes", "error_code_path"),
    ("retry_after_unit", "retry_after_path"),
    ("inbound_text_path", "inbound_sender_path"),
    ("inbound_sender_path", "inbound_recipient_path"),
    ("inbound_recipient_path", "inbound_text_path"),
    ("inbound_id_path", "inbound_text_path"),
    ("inbound_list_path", "inbound_text_path"),
    ("inbound_text_path", "report_signature"),
    ("report_events", "report_event_path"),
    ("report_event_path", "report_events"),
    ("part_count_path", "report_part_path"),
    ("report_part_path", "report_part_count_path"),
    ("report_part_count_path", "part_count_path"),
    ("report_no_code", "report_code_path"),
    ("report_time_format", "report_time_path"),
    *((key, "report_status_path") for key in _ABOUT_REPORTS),
)


def first_fault(options: HttpOptions) -> Fault | None:
    """The first key that contradicts another one."""
    for faults in (_statuses, _codes, _reports, _needs, _request, _waits):
        for fault in faults(options):
            return fault
    return None


def _statuses(options: HttpOptions) -> Iterator[Fault]:
    yield from _twice((s, key) for key, statuses in options.status_lists() for s in statuses)


def _codes(options: HttpOptions) -> Iterator[Fault]:
    for key, rule in _twice(options.error_codes.pairs()):
        yield f"error_codes.{key}", rule


def _reports(options: HttpOptions) -> Iterator[Fault]:
    if options.report_status_path and not (options.report_reference_path or options.report_id_path):
        yield (
            "report_status_path",
            "needs report_reference_path or report_id_path, to tell whose report it is",
        )
    keys = ("delivered", "undelivered", "opened", "clicked", "ignored")
    lists = ((f"report_{key}", getattr(options, f"report_{key}")) for key in keys)
    yield from _twice((status, key) for key, statuses in lists for status in statuses)
    if options.report_signature is not None:
        yield from _signature(options.report_signature, options)


def _signature(signature: ReportSignature, options: HttpOptions) -> Iterator[Fault]:
    where = "report_signature"
    if (signature.header is None) == (signature.field is None):
        yield where, "needs header or field, and not both, to say where the signature stands"
    if signature.timestamp_header is not None and signature.timestamp_field is not None:
        yield f"{where}.timestamp_field", "cannot stand beside timestamp_header"
    timed = signature.timestamp_header or signature.timestamp_field
    if "tolerance" in signature.model_fields_set and not timed:
        yield f"{where}.tolerance", "needs timestamp_header or timestamp_field"
    if "{url}" in signature.signed and options.report_url is None:
        yield f"{where}.signed", "holds {url}, which needs report_url"
    if "{url}" in signature.signed and options.has_inbound:
        yield f"{where}.signed", "holds {url}, which is another one for incoming messages"
    if "{timestamp}" in signature.signed and not timed:
        yield f"{where}.signed", "holds {timestamp}, which needs timestamp_header"
    if signature.algorithm == "token":
        return
    signed = {place for place in ("body", "url", "fields") if f"{{{place}}}" in signature.signed}
    if not signed >= _to_be_signed(options) and "fields" not in signed:
        missing = " and ".join(f"{{{place}}}" for place in sorted(_to_be_signed(options)))
        yield (
            f"{where}.signed",
            f"must hold {missing}, or {{fields}}, where a call says what it says",
        )
    for key in _CALL_PATHS:
        if "url" not in signed and options.report_format != "query" and _reads_query(options, key):
            yield key, "is in the query, so report_signature.signed must hold {url}"
    if signature.timestamp_header and "{timestamp}" not in signature.signed:
        yield f"{where}.signed", "must hold {timestamp}, or anybody could change it"


def _to_be_signed(options: HttpOptions) -> set[str]:
    """Where calls say what they say: a body that was signed once proves no query."""
    match options.report_format:
        case "query":
            return {"url"}
        case "auto":
            return {"body", "url"}
        case _:
            return {"body"}


def _reads_query(options: HttpOptions, key: str) -> bool:
    paths = getattr(options, key) or []
    listed = [paths] if isinstance(paths, str) else paths
    return any(path.startswith(QUERY) for path in listed)


def _needs(options: HttpOptions) -> Iterator[Fault]:
    for key, other in _NEEDS:
        if key in options.model_fields_set and other not in options.model_fields_set:
            yield key, f"needs {other}"


def _request(options: HttpOptions) -> Iterator[Fault]:
    if "body" in options.model_fields_set and options.body_kind == "none":
        yield "body", f"is not sent with {options.method} and body_format 'none'"
    if options.method == "GET" and options.body_kind != "none":
        yield "body_format", "must be 'none' for GET, which has no body (RFC 9110, section 9.3.1)"
    set_by = dict.fromkeys(options.auth.headers() if options.auth else (), "auth")
    set_by |= {options.idempotency_header or "": "idempotency_header"}
    for name in options.headers:
        if name in set_by:
            yield "headers", f"hold {name!r}, which {set_by[name]} sets"
    least, most = options.validity_min, options.validity_max
    if least is not None and most is not None and least > most:
        yield "validity_min", "is more than validity_max"


def _waits(options: HttpOptions) -> Iterator[Fault]:
    by_recipient = options.throttle_scope == "recipient" or options.error_codes.throttled_recipient
    if options.recipient_wait is not None and not by_recipient:
        yield (
            "recipient_wait",
            "needs throttle_scope = 'recipient' or error_codes.throttled_recipient",
        )


def _twice(pairs: Iterable[tuple[object, str]]) -> Iterator[Fault]:
    seen: dict[object, str] = {}
    for value, key in pairs:
        if seen.setdefault(value, key) != key:
            yield key, f"{seen[value]} and {key} both hold {value!r}"

"""The data models of the document's section 4, under the names that they have there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer

from campaigns.campaign.field_types import Variables
from campaigns.channels import SendingType
from campaigns.validation import REQUEST, Id, Line, Text

Status = Literal["active", "stopped", "finished", "draft"]
ScheduleType = Literal["now", "once", "scheduled"]
QueryType = Literal["all", "segmentation"]

_LIST = "cf9eeb30-c1af-11ee-8073-bf4d6e8c1618"
_QUERY = (
    '{"segmentation":[{"operator":"OR","rules":[{"field":"subscription_options_in",'
    '"condition":"in","value":["7c4c1e07-4c65-4861-ab82-9f8fd9cd3913",'
    '"94bb60a3-7b4b-4614-913c-0a2760e5f633"],"operator":"AND"}]}]}\n'
)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _none(value: object) -> object:
    # Generated clients write what they have not got as an empty text.
    return None if value == "" else value


#: Answered with milliseconds and a Z, as in the document.
Moment = Annotated[
    datetime, PlainSerializer(_rfc3339), Field(examples=["2024-02-05T09:34:11.327Z"])
]
#: A text that may be left out, be null or be empty, which is all the same.
Optional = Annotated[Text | None, BeforeValidator(_none), Field(default=None)]


class Campaign(BaseModel):
    """Section 4.1: what a campaign consists of."""

    model_config = REQUEST

    name: Annotated[Text, Field(examples=["New Campaign"])]
    status: Annotated[Status, Field(title="Lifecycle", examples=["active"])]
    sending_type: Annotated[SendingType, Field(examples=["sms"])]
    schedule_type: Annotated[ScheduleType, Field(examples=["once"])]
    schedule_rrule: Optional = Field(
        default=None,
        description="once: a time Y-m-d H:i:s in UTC. scheduled: an iCalendar RRULE.",
        examples=["2026-05-01 17:05:00"],
    )
    template: Annotated[
        Text,
        Field(
            repr=False,
            description="sms, webpush: a text. Others: the standardized message as JSON in a text.",
            examples=["Hello world"],
        ),
    ]
    webpush_title: Optional = Field(default=None, repr=False)
    webpush_body: Optional = Field(default=None, repr=False)
    webpush_target_url: Optional = Field(default=None, repr=False)
    webpush_icon: Optional = Field(default=None, repr=False)
    webpush_image: Optional = Field(default=None, repr=False)
    sender: Annotated[Line, Field(examples=["+41587000000"])]
    recipient_lists: Annotated[
        Text, Field(description="Uuids of contact groups, comma separated.", examples=[_LIST])
    ]
    query_type: QueryType | None = Field(default=None, examples=["segmentation"])
    query: Optional = Field(
        default=None,
        description="SegmentationQuery as JSON in a text, for query_type segmentation.",
        examples=[_QUERY],
    )


class CampaignUpdate(Campaign):
    """Section 4.3: the whole of a campaign; what is left out is taken away."""


class CampaignCreate(Campaign):
    """Section 4.2. Of a clone every field may be left out: it is then that of its source."""

    # What a campaign needs that is no clone is told by the answer: generators of clients make
    # nothing of a body that is any of several.
    model_config = REQUEST

    name: Annotated[Text | None, Field(examples=["New Campaign"])] = None  # type: ignore[assignment]
    status: Annotated[Status | None, Field(examples=["active"])] = None  # type: ignore[assignment]
    sending_type: Annotated[SendingType | None, Field(examples=["sms"])] = None  # type: ignore[assignment]
    schedule_type: Annotated[ScheduleType | None, Field(examples=["once"])] = None  # type: ignore[assignment]
    template: Annotated[Text | None, Field(repr=False, examples=["Hello"])] = None  # type: ignore[assignment]
    sender: Annotated[Line | None, Field(examples=["+41587000000"])] = None  # type: ignore[assignment]
    recipient_lists: Annotated[Text | None, Field(examples=[_LIST])] = None  # type: ignore[assignment]
    clone_uuid: Id | None = Field(default=None, examples=["1592695e-c1b1-11ee-b153-774c9d3a7957"])
    template_vars: Variables | None = Field(
        default=None, repr=False, examples=[{"temp": "-22C", "wind": "100km/h"}]
    )


class CampaignStatus(BaseModel):
    """Section 4.5: stop or resume."""

    model_config = REQUEST

    status: Literal["active", "stopped"]


class Messages(BaseModel):
    """How many messages came to which end; with ``fields=messages`` of all executions together."""

    total: int
    waiting: int = Field(description="Not settled yet.")
    accepted: int = Field(description="Taken by the provider.")
    rejected: int
    failed: int
    unknown: int = Field(description="Whether the provider took it is not known.")
    suppressed: int = Field(description="Opted out, or over a frequency cap.")
    expired: int
    cancelled: int
    delivered: int = Field(description="Reported as delivered, of those accepted.")
    undelivered: int


class Task(BaseModel):
    """One execution of a campaign; with ``fields=tasks``."""

    number: int = Field(description="What `sluice status` and `sluice report` call it.")
    time: Moment = Field(description="When it was to begin.")
    status: Literal["resolving", "sending", "closing", "finished"]
    reason: str | None = Field(description="Why it ended, or is about to.")
    total: int = Field(description="Its recipients.")
    messages: Messages


class CampaignResponse(BaseModel):
    """Section 4.4. Every field is always there; null where there is nothing to say."""

    name: str = Field(examples=["New Campaign"])
    status: Status
    sending_type: SendingType
    schedule_type: ScheduleType
    schedule_rrule: str | None = Field(examples=["2026-05-01 17:05:00"])
    template: str = Field(examples=["Hello world"])
    webpush_title: str | None
    webpush_body: str | None
    webpush_target_url: str | None
    webpush_icon: str | None
    webpush_image: str | None
    sender: str = Field(examples=["+41587000000"])
    recipient_lists: str = Field(examples=[_LIST])
    query_type: QueryType
    query: str | None
    uuid: str = Field(examples=["1592695e-c1b1-11ee-b153-774c9d3a7957"])
    created_dt: Moment
    updated_dt: Moment
    next_dt: Moment | None = Field(description="When it is executed next.")
    last_dt: Moment | None = Field(description="When it was executed last.")
    tasks: list[Task] | None = Field(default=None, description="With fields=tasks.")
    messages: Messages | None = Field(default=None, description="With fields=messages.")


class CollectionMetaPaginationLinks(BaseModel):
    """Section 4.14."""

    first: str
    last: str
    prev: str | None
    next: str | None


class CollectionMetaPagination(BaseModel):
    """Section 4.13."""

    total: int = Field(description="Total number of rows.")
    count: int = Field(description="Number of rows in the current page.")
    perPage: int = Field(description="The maximum rows per page.")  # noqa: N815
    currentPage: int = Field(description="The current page number.")  # noqa: N815
    totalPages: int = Field(description="Total number of pages.")  # noqa: N815
    links: CollectionMetaPaginationLinks


class CollectionMeta(BaseModel):
    """Section 4.12."""

    pagination: CollectionMetaPagination


class CampaignCollection(BaseModel):
    """Section 4.6."""

    data: list[CampaignResponse]
    meta: CollectionMeta


class SegmentationRule(BaseModel):
    """Section 4.9; which fields and conditions there are is said in docs/segmentation.md."""

    field: str = Field(examples=["first_name"])
    condition: str = Field(examples=["eq"])
    value: str | list[str] | None = None
    operator: Literal["AND", "OR"]


class SegmentationGroup(BaseModel):
    """Section 4.8."""

    operator: Literal["OR", "AND NOT", "OR NOT"]
    rules: list[SegmentationRule]


class SegmentationQuery(BaseModel):
    """Section 4.7: what the field ``query`` is the JSON of."""

    segmentation: list[SegmentationGroup]


class ErrorItem(BaseModel):
    """Section 4.11."""

    name: str
    message: str
    description: str | None = None


class Error(BaseModel):
    """Section 4.10."""

    code: str
    message: str
    description: str | None = None
    items: list[ErrorItem] = []

"""The description of the dialect has what clients are generated from, by the document's names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.horisen import RESPONSE_FIELDS, UPDATE, Service, error_of
from web.limits import Limits

MODELS = (
    "Campaign", "CampaignCreate", "CampaignUpdate", "CampaignResponse", "CampaignStatus",
    "CampaignCollection", "SegmentationQuery", "SegmentationGroup", "SegmentationRule", "Error",
    "ErrorItem", "CollectionMeta", "CollectionMetaPagination", "CollectionMetaPaginationLinks",
)  # fmt: skip


@pytest.fixture
def document(service: Service) -> Any:
    return service.door.client.get("/news/v1/openapi.json").json()


def test_title_and_version_are_the_documents(document: Any) -> None:
    assert (document["info"]["title"], document["info"]["version"]) == ("Campaign API", "1.0.0")


def test_models_have_the_documents_names(document: Any) -> None:
    """Section 4."""
    schemas = document["components"]["schemas"]
    assert set(MODELS) <= set(schemas)
    assert not any(name.startswith("HTTPValidation") for name in schemas)
    for model in ("Campaign", "CampaignUpdate"):
        assert tuple(schemas[model]["properties"]) == tuple(
            name for name in RESPONSE_FIELDS if name in UPDATE
        )
    assert set(schemas["CampaignCreate"]["properties"]) == {*UPDATE, "clone_uuid", "template_vars"}
    assert set(RESPONSE_FIELDS) <= set(schemas["CampaignResponse"]["properties"])
    assert set(schemas["Error"]["properties"]) == {"code", "message", "description", "items"}


def test_operations_and_codes_are_the_documents(document: Any) -> None:
    """Sections 2 and 3."""
    collection = document["paths"]["/services/{serviceUuid}/campaigns"]
    one = document["paths"]["/services/{serviceUuid}/campaigns/{campaignUuid}"]
    documented = {
        ("post", "201", "400"): collection,
        ("get", "200"): collection,
        ("get", "200", "404", "default"): one,
        ("put", "200", "400", "404"): one,
        ("patch", "200", "400", "404"): one,
        ("delete", "204", "404"): one,
    }
    for (method, *codes), path in documented.items():
        assert set(codes) <= set(path[method]["responses"])
        assert "422" not in path[method]["responses"]
        assert path[method]["summary"]
    assert set(collection) | set(one) == {"post", "get", "put", "patch", "delete"}
    names = {parameter["name"] for parameter in collection["get"]["parameters"]}
    assert names == {
        "serviceUuid", "sending_type", "status", "fields", "sort", "page_number", "page_size",
    }  # fmt: skip


def test_examples_of_bodies_work(service: Service, document: Any) -> None:
    """Those of the description are sent as they are, but for the uuid of what is cloned."""
    source = service.made(status="draft", template="It is {temp} and {wind}")["uuid"]
    content = document["paths"]["/services/{serviceUuid}/campaigns"]["post"]["requestBody"]
    for example in content["content"]["application/json"]["examples"].values():
        body = example["value"]
        if "clone_uuid" in body:
            body["clone_uuid"] = source
        assert service.post(body).status_code == 201, service.post(body).text


@pytest.mark.parametrize(
    ("scopes", "headers", "status"),
    [((), {}, 401), (("read",), None, 403)],
)
def test_what_the_door_refuses_is_said_in_the_dialect(
    service: Service, scopes: tuple[str, ...], headers: dict[str, str] | None, status: int
) -> None:
    if headers is None:
        headers = service.door.token(service.team.id, *scopes)
    answer = service.door.client.post(service.url, headers=headers, json={})
    assert error_of(answer)[0] == status


def test_too_many_requests_are_said_in_the_dialect(service: Service) -> None:
    object.__setattr__(service.door.context, "limits", Limits(0.001))
    answers = [service.get() for _ in range(3)]
    assert error_of(answers[-1])[0] == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_address_of_nothing_is_said_in_the_dialect(service: Service) -> None:
    for url in ("/news/v1", "/news/v1/services", f"/news/v1/services/{service.team.id}"):
        answer = service.door.client.get(url, headers=service.headers)
        assert error_of(answer) == (404, "There is nothing at this address.")
    assert error_of(service.door.client.delete(service.url, headers=service.headers))[0] == 405

"""A dialect held to its own OpenAPI description, by requests that nobody thought of."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.door import Door

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@dataclass(frozen=True)
class Operation:
    """One operation of a description."""

    label: str
    found: Any

    def hold(
        self,
        headers: Mapping[str, str],
        *,
        valid: bool,
        examples: int,
        known: Mapping[str, Sequence[str]],
    ) -> None:
        """Make ``examples`` requests, as the description says or, unless ``valid``, otherwise.

        Half of them name an object that exists: ``known`` has ids by the name of a path parameter.

        Raises:
            schemathesis' failures, for an answer that is a 5xx or none that is described.
        """
        mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
        chosen = random.Random(7)

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=self.found.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            for name, ids in known.items():
                if name in case.path_parameters and chosen.random() < 0.5:
                    case.path_parameters[name] = chosen.choice(ids)
            response = case.call(headers=dict(headers))
            case.validate_response(response, checks=CHECKS)

        run()


def operations(door: Door, prefix: str) -> Iterator[Operation]:
    """Every operation that the dialect at ``prefix`` describes."""
    schema = schemathesis.openapi.from_asgi(f"{prefix}/openapi.json", door.client.app)
    for result in schema.get_all_operations():
        found = result.ok()
        yield Operation(found.label, found)

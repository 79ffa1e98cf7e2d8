"""A client of Passona's dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from campaigns.database import Connection
from campaigns.team.teams import Team
from tests.support import passona
from tests.support.door import Door


@dataclass(frozen=True)
class Client:
    """Makes requests with a token that may do everything."""

    door: Door
    team: Team
    headers: dict[str, str]

    @property
    def conn(self) -> Connection:
        """The database behind the door."""
        return self.door.conn

    def __call__(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Any:
        """The response to a request with this JSON body."""
        sent = {} if body is None else {"json": body}
        return self.door.client.request(
            method, passona.BASE + path, headers=headers or self.headers, **sent
        )

    def raw(self, method: str, path: str, content: bytes) -> Any:
        """The response to a request with these bytes for a body."""
        return self.door.client.request(
            method, passona.BASE + path, headers=self.headers, content=content
        )

    def campaign(self, body: dict[str, Any] | None = None, **changed: Any) -> str:
        """Create a campaign; its uuid."""
        answer = self("POST", "/campaigns", {**passona.shifted(body or passona.CREATE), **changed})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["uuid"])

    def sending(self, campaign: str) -> None:
        """Put a campaign into sending, as the tick does."""
        self.conn.execute(
            "UPDATE campaigns SET status = 'sending', started_sending_at = now() WHERE id = %s",
            [campaign],
        )


def refused(answer: Any, status: int, field: str | None = None) -> str:
    """That a request was refused in Laravel's form; the sentence."""
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert set(said) == ({"message", "errors"} if status == 422 else {"message"})
    if status == 422:
        assert said["errors"] == {field: [said["message"]]}, said
    return str(said["message"])

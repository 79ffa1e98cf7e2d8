"""A send process keeps itself informed, without anything to send."""

from __future__ import annotations

import asyncio
from pathlib import Path

from campaigns import settings
from campaigns.database import Connection
from tests.support.waiting import eventually
from worker.engine import open_engine

ACCOUNT = '[providers.carrier]\nadapter = "sandbox"\nchannel = "sms"\nurl = "http://127.0.0.1:1/"\n'


def test_it_follows_the_providers_file_and_the_state_of_the_accounts(
    tmp_path: Path, conn: Connection, database: str, redis_url: str
) -> None:
    file = tmp_path / "providers.toml"
    file.write_text(ACCOUNT + 'rate = "100/s"\n')
    environ = {
        "SLUICE_DATABASE_URL": database,
        "SLUICE_REDIS_URL": redis_url,
        "SLUICE_PROVIDERS": str(file),
    }

    async def story() -> None:
        engine = await open_engine(settings.load(environ))
        try:
            account = engine.accounts.get("carrier")
            assert account is not None
            file.write_text(ACCOUNT + 'rate = "40/s"\n')
            await asyncio.to_thread(
                eventually, lambda: account.config.rate == "40/s", message="the new rate is known"
            )
            conn.execute(
                "INSERT INTO provider_states (provider, circuit, rate_factor, factor_at, "
                "updated_at) VALUES ('carrier', 'open', 0.5, now() + interval '1 min', now())"
            )
            await asyncio.to_thread(
                eventually, lambda: account.condition.is_open, message="the state is known"
            )
            assert account.per_second(engine.clock.now()) == 20.0
        finally:
            await engine.aclose()

    asyncio.run(story())

"""How accounts fare: what each process knows and tells, as :mod:`worker.health` does it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from campaigns.schedule.adaptive import Health
from tests.simulation.processes import Process, result
from worker.condition import Condition, Known, ProviderState, Told, after
from worker.health import READ_EVERY

if TYPE_CHECKING:
    from tests.simulation.world import World


class Accounts:
    """The accounts, as processes see them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def condition(self, process: Process, name: str) -> Condition:
        """What the process knows of the account; it reads it twice a second."""
        condition = process.conditions.setdefault(name, Condition())
        if process.read_at.get(name, -1.0) + READ_EVERY <= self._world.seconds:
            process.read_at[name] = self._world.seconds
            state = self._world.ledger.states.get(name)
            if state is not None:
                condition.learn(_known(state, self._world.now), self._world.seconds)
        return condition

    def is_troubled(self, name: str) -> bool:
        """Whether an answer may change anything about the account."""
        state = self._world.ledger.states.get(name)
        return state is not None and (state.health.failures > 0 or state.health.circuit == "open")

    def tell(self, condition: Condition, name: str) -> None:
        """A process tells the others what happened at an account."""
        news = condition.take_news()
        message = Told(news)
        if news.throttling:
            rest = max(news.throttling.until - self._world.seconds, 0.0)
            message = Told(news, rest, self._world.seconds - news.throttling.sent)
            result(self._world.limiter.cool(name, rest))
        before = self._world.ledger.states.get(name) or ProviderState(Health(), None, None)
        state = self._world.ledger.states[name] = after(before, message, self._world.now)
        was, now = before.health.circuit, state.health.circuit
        self._world.happened[f"circuit {now}"] += was != now
        known = _known(state, self._world.now)
        condition.learn(known, self._world.seconds)
        if news.failure and known.rest:
            result(self._world.limiter.cool(name, known.rest))
        self._world.want(self._world.now)


def _known(state: ProviderState, now: datetime) -> Known:
    until = state.health.cooling_until
    rest = max((until - now).total_seconds(), 0.0) if until else 0.0
    return Known(state.health.failures, state.health.circuit, rest, state.factor)

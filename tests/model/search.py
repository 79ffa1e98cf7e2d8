"""Looks at every state that a setting can reach, breadth first: what is found is shortest."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.model import rules
from tests.model.setting import Setting
from tests.model.state import State
from tests.model.steps import ORDINARY, Step, successors
from tests.model.symmetry import canonical


@dataclass(frozen=True, slots=True)
class Counterexample:
    """How a rule is broken: the shortest way there."""

    rule: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([self.rule, *lines])


@dataclass(slots=True)
class Found:
    """What a search saw."""

    states: int = 0
    transitions: int = 0
    #: The number of steps to the state that is farthest away.
    depth: int = 0
    #: States in which everything is over.
    ends: int = 0
    #: How often each step was taken.
    steps: dict[str, int] = field(default_factory=dict)
    counterexample: Counterexample | None = None


class _Graph:
    """Every state once, by a number, with the way that first led to it."""

    def __init__(self) -> None:
        self.numbers: dict[State, int] = {}
        self.states: list[State] = []
        self.came_from: list[int] = []
        self.depths: list[int] = []
        #: By number: the states from which an ordinary step leads here.
        self.ordinary: list[list[int]] = []
        self._shared: dict[object, object] = {}

    def add(self, state: State, origin: int) -> tuple[int, bool]:
        number = self.numbers.get(state)
        if number is not None:
            return number, False
        number = len(self.states)
        # Most parts of a state are those of its predecessor: they are kept once.
        share = self._shared.setdefault
        kept = State(*(share(part, part) for part in state))
        self.numbers[kept] = number
        self.states.append(kept)
        self.came_from.append(origin)
        self.depths.append(self.depths[origin] + 1 if number else 0)
        self.ordinary.append([])
        return number, True

    def way_to(self, number: int) -> list[State]:
        """The states from the first to this one, on a shortest way."""
        way = [self.states[number]]
        while number:
            number = self.came_from[number]
            way.append(self.states[number])
        return way[::-1]


def search(setting: Setting, *, limit: int | None = None) -> Found:
    """Go everywhere.

    Args:
        limit: the search fails, rather than to be incomplete, beyond so many states.

    Raises:
        OverflowError: there are more states than ``limit``.
    """
    graph, found = _Graph(), Found()
    graph.add(canonical(setting.initial()), 0)
    due = deque([0])
    while due:
        number = due.popleft()
        state = graph.states[number]
        for step, raw in successors(state, setting):
            found.transitions += 1
            found.steps[step.name] = found.steps.get(step.name, 0) + 1
            rule = rules.broken_by_step(state, step, raw, setting) or rules.broken_by_state(raw)
            if rule is not None:
                way = [*graph.way_to(number), canonical(raw)]
                return _ended(found, graph, Counterexample(rule, retold(setting, way)))
            after, is_new = graph.add(canonical(raw), number)
            if is_new:
                due.append(after)
            if step.name in ORDINARY:
                graph.ordinary[after].append(number)
        if limit is not None and len(graph.states) > limit:
            raise OverflowError(f"more than {limit} states")
    return _ended(found, graph, _stuck(graph, found, setting))


def _ended(found: Found, graph: _Graph, counterexample: Counterexample | None) -> Found:
    found.states = len(graph.states)
    found.depth = graph.depths[-1]
    found.counterexample = counterexample
    return found


def _stuck(graph: _Graph, found: Found, setting: Setting) -> Counterexample | None:
    """From every state an end is reached without another fault: found from the ends, backward."""
    ends = [n for n, state in enumerate(graph.states) if state.run == "finished"]
    found.ends = len(ends)
    hopeful = set(ends)
    due = deque(ends)
    while due:
        for origin in graph.ordinary[due.popleft()]:
            if origin not in hopeful:
                hopeful.add(origin)
                due.append(origin)
    for number in range(len(graph.states)):
        if number not in hopeful:
            return Counterexample(
                "from here nothing leads to an end", retold(setting, graph.way_to(number))
            )
    return None


def retold(setting: Setting, way: Sequence[State]) -> tuple[Step, ...]:
    """The steps along ``way``, told with names that stay the same from the first to the last."""
    state = setting.initial()
    steps = []
    for place in way[1:]:
        step, state = next(
            (step, raw) for step, raw in successors(state, setting) if canonical(raw) == place
        )
        steps.append(step)
    return tuple(steps)

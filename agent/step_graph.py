"""Steps as a graph of Strands: no model, no network, one step after the other."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from strands.multiagent import GraphBuilder, MultiAgentBase, MultiAgentResult, Status

Run = Callable[[], bool]
"""One step; false where it failed, which keeps the steps that need it from being run."""


class StepNode(MultiAgentBase):
    """A node that runs one step when the step before it is done.

    Strands starts the nodes that are ready in no fixed order; they share one process, so they take turns.
    """

    def __init__(self, name: str, run: Run, before: asyncio.Event, after: asyncio.Event) -> None:
        super().__init__()
        self.id, self._run, self._before, self._after = name, run, before, after

    async def invoke_async(
        self, task: Any, invocation_state: dict[str, Any] | None = None, **kwargs: Any
    ) -> MultiAgentResult:
        await self._before.wait()
        try:
            return MultiAgentResult(status=Status.COMPLETED if self._run() else Status.FAILED)
        finally:
            self._after.set()


def run_steps(steps: Sequence[tuple[str, str | None, Run]]) -> dict[str, str]:
    """Run steps of the form (name, the step that it needs, what to do) in their order; the status of each that ran."""
    builder = GraphBuilder()
    turn = asyncio.Event()
    turn.set()
    for name, _, run in steps:
        after = asyncio.Event()
        builder.add_node(StepNode(name, run, turn, after), name)
        turn = after
    for name, needed, _ in steps:
        builder.add_edge(needed, name) if needed else builder.set_entry_point(name)
    graph = builder.set_max_node_executions(len(steps)).build()
    # Not asyncio.run, which takes Ctrl-C for itself and would let a long step run on.
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        done = loop.run_until_complete(graph.invoke_async("analyze"))
    return {name: node.status.value for name, node in done.results.items()}

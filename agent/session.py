"""The one object that every front uses: a conversation over open files."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from langchain_core.messages import HumanMessage

from ..memory.catalog import Catalog
from ..memory.embedding import Embedder, PartsEmbedder
from ..memory.errors import InputError, VcfAgentError
from ..tools import bcftools
from ..tools.context import ToolContext
from ..tools.dataset import OpenDataset, nearest
from ..tools.ingest import ingest
from ..tools.pedigree import read_pedigree
from ..tools.text import plain
from .answer import Answer
from .embedder import embedder_of
from .loop import Turn, build_loop
from .models import ModelChain, TokenListener, validate_model_name
from .offline import OfflineModel
from .settings import OFFLINE, Settings, load_settings
from .telemetry import Telemetry, start_telemetry

QUESTION_CHARS = 8_000


class VariantAgent:
    """Ask questions of VCF files.

        with VariantAgent("cohort.vcf.gz") as agent:
            print(agent.ask("How many variants pass all filters?"))

    Files are ingested into the workspace on first use. `session` continues an earlier conversation; `pedigree` is a
    PED file for this one. Raises `InputError` for a file, dataset, model or setting that cannot be used.
    """

    def __init__(
        self,
        *files: str | Path,
        datasets: Sequence[str] = (),
        model: str | Sequence[str] | None = None,
        session: str | None = None,
        workspace: str | Path | None = None,
        settings: Settings | None = None,
        telemetry: Telemetry | None = None,
        pedigree: str | Path | None = None,
        reference: str | Path | None = None,
        bed: str | Path | None = None,
        on_progress: Callable[[str, int], None] | None = None,
    ) -> None:
        models = [model] if isinstance(model, str) else model
        self.settings = settings or load_settings(workspace, models)
        for name in models or []:
            if name != OFFLINE:
                validate_model_name(name)
        people = read_pedigree(Path(pedigree).expanduser()) if pedigree else None
        bcftools.prepare()
        self.session = session or uuid4().hex
        embedder = embedder_of(self.settings)
        self.context = ToolContext(
            self.settings.workspace,
            [
                *_open_files(files, self.settings, on_progress, embedder),
                *_open_datasets(datasets, self.settings.workspace),
            ],
            verify_seconds=self.settings.verify_seconds,
            embedder=embedder or PartsEmbedder(),
            pedigree=people,
            reference=_named(reference, "reference"),
            bed=_named(bed, "bed"),
            folders=self.settings.folders,
        )
        for data in self.context.datasets:
            data.bed = self.context.bed.name if self.context.bed else None
        self._chain = ModelChain(
            self.settings.models,
            OfflineModel(files=self.context),
            self.settings.budget_usd,
            self.settings.local_only,
        )
        self._telemetry = telemetry or start_telemetry(self.settings.otlp_endpoint)
        self._connection: Any = None
        self._loop: Any = None

    def ask(self, question: str, listener: TokenListener | None = None) -> Answer:
        """The answer to one question. A failure that the user can mend is an answer of kind `error`."""
        start = time.perf_counter()
        bcftools.prepare()
        with self._telemetry.question(self.session) as span:
            turn = Turn(self.context, self._chain, self._telemetry, self.settings.max_turns, question, listener)
            answer = self._turn(question, turn)
            span.answered(answer.kind)
            answer.trace_id = span.trace_id
        answer.text, answer.reading = plain(answer.text), [plain(r) for r in answer.reading]
        answer.session, answer.model = self.session, turn.model
        answer.fallbacks = [{"model": f.model, "why": f.why} for f in turn.fallbacks]
        answer.usage, answer.cost_usd = turn.usage, round(turn.cost_usd, 6)
        answer.elapsed_s = round(time.perf_counter() - start, 4)
        return answer

    async def aask(self, question: str, listener: TokenListener | None = None) -> Answer:
        """`ask` beside a running event loop."""
        return await asyncio.to_thread(self.ask, question, listener)

    async def astream(self, question: str) -> AsyncIterator[str | Answer]:
        """Pieces of the text as a model writes it, and the `Answer` last.

        An empty piece means: what came before is withdrawn, the text begins anew.
        """
        queue: asyncio.Queue[str | Answer] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(
            self.aask(question, _Forward(lambda piece: loop.call_soon_threadsafe(queue.put_nowait, piece)))
        )
        task.add_done_callback(lambda _: queue.put_nowait(""))
        while not task.done() or not queue.empty():
            piece = await queue.get()
            if not (task.done() and queue.empty()):
                yield piece
        yield await task

    def _turn(self, question: str, turn: Turn) -> Answer:
        if len(question) > QUESTION_CHARS:
            return Answer("error", f"The question has over {QUESTION_CHARS:,} characters. Ask a shorter one.")
        if not question.strip():
            return Answer("error", "The question is empty. Ask, for example: How many variants pass all filters?")
        try:
            config = {
                "configurable": {"thread_id": self.session},
                "recursion_limit": 4 * self.settings.max_turns + 10,
            }
            self._graph().invoke({"messages": [HumanMessage(question)]}, config, context=turn, durability="exit")
        except VcfAgentError as error:
            return Answer("error", str(error))
        assert turn.answer
        return turn.answer

    def _graph(self) -> Any:
        if self._loop is None:
            self._loop = build_loop(self._checkpointer())
        return self._loop

    def _checkpointer(self) -> Any:
        import sqlite3

        from langgraph.checkpoint.sqlite import SqliteSaver

        path = self.settings.workspace / "sessions.sqlite"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
            saver = SqliteSaver(self._connection)
            saver.setup()
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"The sessions in {path} cannot be opened: {error}", "Choose another --workspace"
            ) from error
        return saver

    def close(self) -> None:
        """End the waiting child process, close the graph and the session's file; a second call does nothing."""
        bcftools.release()
        self.context.open_graph.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = self._loop = None
        self._telemetry.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Forward:
    """A listener that hands pieces on; an empty one withdraws the rest."""

    def __init__(self, put: Callable[[str], Any]) -> None:
        self.on_token = put
        self.on_restart = lambda: put("")


def _named(path: str | Path | None, option: str) -> Path | None:
    """The file that a person named. Raises `InputError` where it is none."""
    if path is None:
        return None
    found = Path(path).expanduser().absolute()
    if not found.is_file():
        raise InputError(f"{path} is not a file", f"Name one with --{option}, or leave it out")
    return found


def _open_files(
    files: Iterable[str | Path],
    settings: Settings,
    on_progress: Callable[[str, int], None] | None,
    embedder: Embedder | None,
) -> list[OpenDataset]:
    found = []
    for file in files:
        path = Path(file).expanduser()
        name = path.name
        progress = (lambda records, name=name: on_progress(name, records)) if on_progress else None
        dataset = ingest(path, settings.workspace, progress, embedder=embedder, tables=settings.tables)
        found.append(OpenDataset(dataset, settings.workspace))
    return found


def _open_datasets(names: Iterable[str], workspace: Path) -> list[OpenDataset]:
    catalog = Catalog(workspace)
    found = []
    for name in names:
        dataset = catalog.by_name(name)
        if dataset is None:
            known = [d.name for d in catalog.datasets()]
            raise InputError(f"The workspace has no dataset {name!r}", nearest(name, known, "Its datasets are"))
        found.append(OpenDataset(dataset, workspace))
    return found

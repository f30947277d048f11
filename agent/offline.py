"""The offline model: a chat model that turns a question into a tool call by rule, needs no key and no network."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from ..tools.context import ToolContext
from . import replies
from .offered import USE_TOOLS
from .planner import CAN, AskBack, Call, Decline, plan


class OfflineModel(BaseChatModel):
    """Answers a question with a tool call, and tool results with an empty message: the tools' own words stand.

    `files` gives it the names that the open files hold.
    """

    files: Any

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Itself: it plans over the registry's tools whatever it is offered."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._reply(messages))])

    def _reply(self, messages: list[BaseMessage]) -> AIMessage:
        if not _is_question(messages[-1]):
            return AIMessage("")
        assert isinstance(self.files, ToolContext)
        made = plan(str(messages[-1].text), self.files, _last_call(messages))
        name, arguments, reading = _as_tool_call(made)
        call = {"name": name, "args": arguments, "id": f"call_{uuid4().hex[:12]}", "type": "tool_call"}
        return AIMessage("", tool_calls=[call], additional_kwargs={"reading": reading})


def _is_question(message: BaseMessage) -> bool:
    """Whether a person wrote it; the loop writes some in a person's place."""
    return isinstance(message, HumanMessage) and "from" not in message.additional_kwargs


def _as_tool_call(made: Call | AskBack | Decline) -> tuple[str, dict[str, Any], list[str]]:
    if isinstance(made, Call):
        return made.tool, made.arguments, made.reading
    if isinstance(made, AskBack):
        return "ask_back", {"question": made.question, "choices": made.choices}, []
    reason = f"{made.reason} {CAN}" if made.offers_help else made.reason
    return "decline", {"reason": reason, "unknown_name": made.unknown_name}, []


def _last_call(messages: list[BaseMessage]) -> Call | None:
    """The call that answered the question just before; null where that one was declined or asked back."""
    asked = [i for i, m in enumerate(messages) if _is_question(m)]
    turn = messages[asked[-2] : asked[-1]] if len(asked) > 1 else []
    calls = [c for m in turn if isinstance(m, AIMessage) for c in m.tool_calls if c["name"] != USE_TOOLS]
    if not calls or calls[-1]["name"] in replies.NAMES:
        return None
    return Call(calls[-1]["name"], calls[-1]["args"])

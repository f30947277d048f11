"""The chain of models: the remote ones in order of preference through one LiteLLM Router, and offline last.

A model that fails, for whatever reason, becomes a `Fallback` that the answer shows, and the next one answers.
"""

import json
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from langchain_core import messages as lc
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.runnables import RunnableConfig

from ..memory.errors import InputError, ModelError
from . import settings
from .settings import OFFLINE, OLLAMA, ModelSetting

REST_S = 30.0  # how long a model that could not answer is left alone
PAUSE_S = 0.25  # before the same model is tried again
WHY_CHARS = 200

# Else LangGraph passes on the tokens of a model that then breaks, with nobody told that they do not count.
_QUIET: RunnableConfig = {"tags": ["nostream"]}
# LiteLLM opens a browser log-in as soon as it resolves one of these.
_SIGN_IN = ("github_copilot", "chatgpt")
# Without an address, LiteLLM sends what these are asked to api.openai.com.
_SELF_HOSTED = ("hosted_vllm", "lm_studio")

_STATUS = {
    400: "refused the request",
    401: "refused the key",
    403: "refused access",
    404: "does not know this model",
    413: "refused the request as too long",
    422: "refused the request",
    429: "has reached its rate limit or quota",
}
_KINDS = {
    "ContextWindowExceededError": "cannot take a conversation of this length",
    "ContentPolicyViolationError": "stopped the request by its content filter",
}
# By its words: LiteLLM keeps neither the type nor the cause of an error of the connection.
_UNREACHABLE = re.compile(r"Connection error|Connection refused|\[Errno|getaddrinfo|unreachable|No route to host")
_KEY_LIKE = re.compile(
    r"(?i)\b(?:bearer\s+\S+|(?:sk|pk|gsk|hf|xai|ghp|key)[-_][\w*-]{6,}|AIza[\w-]{20,}|eyJ[\w.-]{20,})"
)


class TokenListener(Protocol):
    """Hears an answer while it is written."""

    def on_token(self, text: str) -> None: ...

    def on_restart(self) -> None:
        """What was heard so far is not the answer: the model broke off, and it or the next begins anew."""


@dataclass(frozen=True)
class Fallback:
    """A model that did not answer; "{model} {why}" is a sentence fit to be shown."""

    model: str
    why: str


@dataclass(frozen=True)
class Reply:
    message: AIMessage
    model: str
    fallbacks: list[Fallback]
    usage: dict[str, int]  # input_tokens, output_tokens, total_tokens; failed tries are included
    cost_usd: float  # as far as LiteLLM knows the prices; failed tries are included


_Parts = Iterator[tuple[str, AIMessage]]  # the text of each part of a reply, and the message so far


class _Failed(Exception):
    """One model did not answer."""

    def __init__(self, why: str, again: bool = False, rests: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.again = again  # the same model may well answer now
        self.rests = rests  # it will not for a while


class _BrokenOff(Exception):
    """A stream ended without the reason that every complete one gives."""


class _BadCall(Exception):
    """A tool call that cannot be run as it was written."""


@dataclass
class _Turn:
    """One reply in the making."""

    messages: list[BaseMessage]
    tools: list[dict[str, Any]]
    listener: TokenListener | None
    tool_names: list[str]
    fallbacks: list[Fallback] = field(default_factory=list)
    usage: Counter[str] = field(default_factory=Counter)
    cost_usd: float = 0.0
    heard: bool = False

    def hear(self, parts: _Parts) -> AIMessage | None:
        """The message that the parts add up to, told to the listener as they come."""
        message = None
        for text, so_far in parts:
            message = so_far
            if self.listener and text:
                self.heard = True
                self.listener.on_token(text)
        return message

    def restart(self) -> None:
        if self.listener and self.heard:
            self.heard = False
            self.listener.on_restart()

    def reply(self, message: AIMessage, model: str) -> Reply:
        return Reply(message, model, self.fallbacks, dict(self.usage), self.cost_usd)


class ModelChain:
    """Asks each model in turn until one gives a usable reply. Safe to share between threads."""

    def __init__(
        self,
        models: Sequence[ModelSetting],
        offline: BaseChatModel,
        budget_usd: float | None = None,
        local_only: bool = False,
    ) -> None:
        self.cost_usd = 0.0  # of all replies so far
        self.first = models[0].name if models else OFFLINE
        self.provider = models[0].provider if models else OFFLINE
        self._models = tuple(models)
        self._offline = offline
        self._budget_usd = budget_usd
        self._local_only = local_only
        self._resting: dict[int, float] = {}  # place in the chain: when the model may be asked again
        self._router: Any = None
        self._routed: tuple[int, ...] = ()
        self._lock = Lock()

    def reply(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any]] = (),
        listener: TokenListener | None = None,
        names: list[str] | None = None,
    ) -> Reply:
        """The first usable reply, streamed where somebody listens; `tools` are OpenAI function tools.

        `names` are all tools that may be called, where these are more than those that are offered.
        """
        known = [tool["function"]["name"] for tool in tools] if names is None else names
        turn = _Turn(list(messages), list(tools), listener, known)
        for place, model in enumerate(self._models):
            try:
                return turn.reply(self._remote(place, turn), model.name)
            except _Failed as failure:
                turn.fallbacks.append(Fallback(model.name, failure.why))
                turn.restart()
        return turn.reply(_offline_reply(self._offline, turn), OFFLINE)

    def _remote(self, place: int, turn: _Turn) -> AIMessage:
        """The reply of one model, tried as often as its setting says."""
        self._check_allowed(place)
        tries_left = self._models[place].retries
        while True:
            try:
                return self._usable(place, turn)
            except _Failed as failure:
                if not (failure.again and tries_left):
                    self._resting[place] = time.monotonic() + (REST_S if failure.rests else 0.0)
                    raise
            tries_left -= 1
            turn.restart()
            # Retries are not left to the Router: it waits for as long as a Retry-After header says,
            # up to a minute, and waits once more after its last try.
            time.sleep(PAUSE_S)

    def _check_allowed(self, place: int) -> None:
        model = self._models[place]
        if self._local_only and not settings.is_local(model):
            raise _Failed("is not on this machine, and local-only is set")
        if self._budget_usd is not None and self.cost_usd >= self._budget_usd:
            raise _Failed(f"was not asked: the budget of {self._budget_usd:g} USD is spent")
        if why := _not_ready(model):
            raise _Failed(why)
        # Nor are cool-downs: the Router's pass over a refused connection to Ollama and a broken stream.
        left = self._resting.get(place, 0.0) - time.monotonic()
        if left > 0:
            raise _Failed(f"failed a moment ago and is left alone for {left:.0f} s more")

    def _usable(self, place: int, turn: _Turn) -> AIMessage:
        """One reply, asked for once more where its tool calls cannot be run, with the reason told."""
        try:
            return self._ask(place, turn)
        except _BadCall as fault:
            names = ", ".join(turn.tool_names) or "none"
            told = f"Your last reply could not be used: {fault}. Reply again. The tools are: {names}."
        turn.restart()
        try:
            return self._ask(place, turn, lc.HumanMessage(told))
        except _BadCall as fault:
            raise _Failed(_clean(f"gave a reply that cannot be used: {fault}")) from fault

    def _ask(self, place: int, turn: _Turn, *more: BaseMessage) -> AIMessage:
        model = self._models[place]
        asked = [*turn.messages, *more]
        message = turn.hear(
            _guarded(lambda: _parts(self._chat(place, turn.tools), asked, turn.listener is not None), model)
        )
        if message is None:
            raise _Failed("gave an empty answer")
        self._spend(turn, model, message)
        return _checked(message, turn.tool_names)

    def _chat(self, place: int, tools: list[dict[str, Any]]) -> Any:
        """The bridge from LangChain to the model's deployment in the Router."""
        router = self._router_with(place)
        from langchain_litellm import ChatLiteLLMRouter

        chat = ChatLiteLLMRouter(router=router, model_name=str(place), max_retries=1)
        return chat.bind_tools(tools) if tools else chat

    def _router_with(self, place: int) -> Any:
        """The one Router; built anew where a model has become usable, as by a key that was set meanwhile."""
        with self._lock:
            if place not in self._routed:
                places = [i for i, model in enumerate(self._models) if i == place or not _not_ready(model)]
                self._router = _build_router({i: self._models[i] for i in places})
                self._routed = tuple(places)
            return self._router

    def _spend(self, turn: _Turn, model: ModelSetting, message: AIMessage) -> None:
        usage = message.usage_metadata
        tokens = (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)
        cost = _cost(model, message, *tokens)
        turn.usage.update(input_tokens=tokens[0], output_tokens=tokens[1], total_tokens=sum(tokens))
        turn.cost_usd += cost
        with self._lock:
            self.cost_usd += cost


def validate_model_name(name: str) -> None:
    """InputError where the name has no form, or a provider that LiteLLM does not know, with the nearest."""
    if name == OFFLINE:
        return
    from rapidfuzz import process

    provider = settings.check_model_name(name, "the model list").partition("/")[0]
    known = [str(getattr(entry, "value", entry)) for entry in _litellm().provider_list]
    if provider in _SIGN_IN:
        raise InputError(f"the model {name} needs a sign-in in a browser", "Name a model that takes a key.")
    if provider not in known:
        near = process.extractOne(provider, known)[0]
        raise InputError(f"the model {name} has the unknown provider {provider!r}", f"Did you mean {near}/…?")


def embeddings(model: ModelSetting, texts: Sequence[str], dimension: int) -> list[list[float]]:
    """The vectors of texts, in their order; their form is not checked. Raises `ModelError`."""
    if why := _not_ready(model):
        raise _no_vectors(model, why)
    params = _deployment(0, model)["litellm_params"] | {"model": model.name}
    params.pop("stream_timeout", None)
    try:
        reply = _litellm().embedding(input=list(texts), dimensions=dimension, drop_params=True, **params)
        return [item["embedding"] for item in sorted(reply.data, key=lambda item: int(item["index"]))]
    except Exception as error:  # of many kinds, as for chat
        raise _no_vectors(model, _failure(error, model, started=False).why) from error


def _no_vectors(model: ModelSetting, why: str) -> ModelError:
    return ModelError(f"The embedder {model.name} {why}", "Try again, or unset VCF_AGENT_EMBEDDER")


def _offline_reply(offline: BaseChatModel, turn: _Turn) -> AIMessage:
    chat = offline.bind_tools(turn.tools) if turn.tools else offline
    message = turn.hear(_parts(chat, turn.messages, turn.listener is not None))
    whole = lc.message_chunk_to_message(message) if isinstance(message, AIMessageChunk) else message
    assert isinstance(whole, AIMessage)
    return whole


def _parts(chat: Any, messages: list[BaseMessage], stream: bool) -> _Parts:
    whole = None
    for part in chat.stream(messages, config=_QUIET) if stream else [chat.invoke(messages, config=_QUIET)]:
        whole = part if whole is None else whole + part
        yield str(part.text), whole


def _guarded(parts: Callable[[], _Parts], model: ModelSetting) -> _Parts:
    """The parts of a reply; every error of the provider, and none of the listener, becomes _Failed."""
    started = False
    try:
        for part in parts():
            yield part
            started = True
    except Exception as error:
        raise _failure(error, model, started) from error


def _checked(message: AIMessage, names: list[str]) -> AIMessage:
    """The reply without what a provider adds to it, such as objects that no checkpoint can hold."""
    reason = message.response_metadata.get("finish_reason")
    if reason == "length":
        raise _Failed("gave an answer that was cut off at its length limit")
    if reason == "content_filter":
        raise _Failed("stopped the answer by its content filter")
    calls = [_checked_call(*call, names) for call in _written_calls(message)]
    text = str(message.text)
    if not calls and not text.strip():
        raise _Failed("gave an empty answer")
    return AIMessage(text, tool_calls=calls, usage_metadata=message.usage_metadata)


def _written_calls(message: AIMessage) -> list[tuple[str | None, str | None, str | None]]:
    """Name, arguments and id of each tool call as the model wrote it.

    The message's own `tool_calls` will not do: LangChain completes broken JSON there, or puts {} for what
    is no object, and a query that lost its filters would run.
    """
    if isinstance(message, AIMessageChunk):
        return [(call["name"], call["args"], call["id"]) for call in message.tool_call_chunks]
    written = message.additional_kwargs.get("tool_calls", [])
    return [(call["function"]["name"], call["function"]["arguments"], call["id"]) for call in written]


def _checked_call(name: str | None, text: str | None, call_id: str | None, names: list[str]) -> ToolCall:
    if name not in names:
        raise _BadCall(f"there is no tool {str(name)[:60]!r}")
    try:
        args = json.loads(text or "{}")  # some providers write nothing where there are no arguments
    except ValueError:
        args = None
    if not isinstance(args, dict):
        raise _BadCall(f"the arguments of {name} are not a JSON object")
    return ToolCall(name=name, args=args, id=call_id or f"call_{uuid4().hex}")


def _cost(model: ModelSetting, message: AIMessage, tokens_in: int, tokens_out: int) -> float:
    """In USD; a reply brings its own unless it was streamed, and 0.0 also where its price is not known."""
    told = message.response_metadata.get("response_cost")
    if isinstance(told, int | float) and told > 0:
        return float(told)
    try:
        prices = _litellm().cost_per_token(model.name, prompt_tokens=tokens_in, completion_tokens=tokens_out)
        return float(sum(prices))
    except Exception:  # of many kinds, all for a price that is not known
        return 0.0


def _litellm() -> Any:
    # Before the import: it would fetch a price list, and load the .env file of the folder the user works in.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    try:
        import langchain_litellm  # noqa: F401
        import litellm
    except ImportError as error:
        raise InputError("LiteLLM is not installed", "pip install 'vcf-agent[llm]'") from error
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return litellm


def _build_router(models: dict[int, ModelSetting]) -> Any:
    litellm = _litellm()
    for model in models.values():
        if model.provider in OLLAMA:
            # What it does not know, LiteLLM asks the Ollama at its default address, whatever api_base says.
            free = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
            known = {"litellm_provider": "ollama_chat", "mode": "chat", "supports_function_calling": True}
            litellm.model_cost.setdefault(_route(model), known | free)
    router = litellm.Router(
        model_list=[_deployment(place, model) for place, model in models.items()],
        num_retries=0,
        disable_cooldowns=True,
        default_litellm_params={"drop_params": True},
    )
    # Instead of the Router's own care for a broken stream, which asks again without telling anyone.
    router._completion_streaming_iterator = lambda model_response, **_: _whole_stream(model_response)
    return router


def _deployment(place: int, model: ModelSetting) -> dict[str, Any]:
    # Always given, so that no variable can send elsewhere what an Ollama model is asked.
    base = model.api_base or (settings.OLLAMA_API_BASE if model.provider in OLLAMA else None)
    key = settings.api_key(model) or ("none" if base and not any(_own_keys(model).values()) else None)
    params = {"model": _route(model), "api_base": base, "api_key": key, "timeout": model.timeout_s}
    params |= {"stream_timeout": model.timeout_s, "max_retries": 0}
    return {"model_name": str(place), "litellm_params": {k: v for k, v in params.items() if v is not None}}


def _route(model: ModelSetting) -> str:
    """LiteLLM's ollama/ uses Ollama's completion endpoint, which knows no tools."""
    return f"ollama_chat/{model.name.partition('/')[2]}" if model.provider in OLLAMA else model.name


def _whole_stream(stream: Any) -> Iterator[Any]:
    """The stream, where a connection closed too early is an error: LiteLLM reports that end as `stop`."""
    try:
        yield from stream
        if not (stream.received_finish_reason or stream.intermittent_finish_reason):
            raise _BrokenOff
    finally:
        close = getattr(stream.completion_stream, "close", None)
        if close:
            close()


def _own_keys(model: ModelSetting) -> dict[str, str]:
    """The keys and tokens of the model's provider that are in the environment, blank ones included."""
    variables = settings.provider_variables(model.provider)
    return {name: value for name, value in variables.items() if name.endswith(("_API_KEY", "_TOKEN"))}


def _not_ready(model: ModelSetting) -> str | None:
    """Why a model cannot be asked at all, found without touching the network."""
    try:
        validate_model_name(model.name)
        return _lacking(model)
    except InputError as error:
        return _clean(f"cannot be used: {error}")
    except Exception as error:  # of whatever kind LiteLLM raises for a name or an installation it cannot use
        return f"cannot be used ({type(error).__name__})"


def _lacking(model: ModelSetting) -> str | None:
    if model.api_key_env:
        return None if settings.api_key(model) else f"needs a key in {model.api_key_env}, which is not set"
    if model.api_base or model.provider in OLLAMA:
        return None
    if model.provider in _SELF_HOSTED:
        known = _litellm().get_llm_provider(model.name)[3]
        return None if known else "needs an api_base, the address of its server"
    missing = _missing_keys(model)
    return f"needs a key that is not set ({', '.join(missing)})" if missing else None


def _missing_keys(model: ModelSetting) -> list[str]:
    litellm = _litellm()
    missing: list[str] = litellm.validate_environment(model.name)["missing_keys"]
    blank = [name for name, value in _own_keys(model).items() if not value]
    if missing or blank or model.provider not in litellm.openai_compatible_providers:
        return missing or blank
    # LiteLLM does not say what these need, and without a key of theirs would send them OPENAI_API_KEY.
    return [] if litellm.get_llm_provider(model.name)[2] else [f"{model.provider.upper()}_API_KEY"]


def _failure(error: Exception, model: ModelSetting, started: bool) -> _Failed:
    """What an error on the way to or from a provider means for the chain."""
    error = getattr(error, "original_exception", None) or error
    kind, status = type(error).__name__, getattr(error, "status_code", None)
    if kind == "Timeout" and not started:
        return _Failed(f"gave no answer within {model.timeout_s:g} s", rests=True)
    if started or isinstance(error, _BrokenOff):
        return _Failed("broke off in the middle of its answer", again=kind != "Timeout", rests=True)
    if _UNREACHABLE.search(str(error)):
        return _Failed("could not be reached", again=True, rests=True)
    if kind in _KINDS:
        return _Failed(_KINDS[kind])
    if status in _STATUS:
        detail = "" if status == 401 else _detail(error)  # some providers quote the key that they refuse
        why = _clean(f"{_STATUS[status]} ({status}){detail}", model)
        return _Failed(why, rests=status in (401, 403, 404, 429))
    if kind != "APIConnectionError" and isinstance(status, int) and status >= 500:
        return _Failed(f"failed with a server error ({status})", again=True, rests=True)
    return _Failed(f"gave a reply that could not be read ({kind})", again=True, rests=True)


def _detail(error: Exception) -> str:
    """The provider's own words, out of what LiteLLM wraps around them."""
    text = str(error)[:4000].split("\n\nLiteLLM:")[0].split("Exception - ", 1)[-1]
    if told := re.search(r'"message"\s*:\s*("(?:[^"\\]|\\.)+")', text):
        with suppress(ValueError):
            text = json.loads(told[1], strict=False)
    return f": {text}" if text.strip() and "Traceback" not in text else ""


def _clean(text: str, model: ModelSetting | None = None) -> str:
    """One line fit to be shown: no control characters, no keys, of an address no more than the host."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    for secret in _secrets(model) if model else ():
        text = text.replace(secret, "…")
    text = re.sub(r"\b(\w+)://\S+", lambda found: f"{found[1]}://{_host(found[0])}", text)
    text = _KEY_LIKE.sub("…", text)
    return text if len(text) <= WHY_CHARS else text[: WHY_CHARS - 1] + "…"


def _secrets(model: ModelSetting) -> list[str]:
    return [key for key in (settings.api_key(model), *_own_keys(model).values()) if key]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "…"
    except ValueError:
        return "…"

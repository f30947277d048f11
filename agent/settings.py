"""Every setting of the program, read once: arguments win over environment over file over defaults."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import platformdirs

from ..memory.errors import InputError

OFFLINE = "offline"  # the last model of every chain; in a list of models it ends the list
OLLAMA = ("ollama", "ollama_chat")
OLLAMA_API_BASE = "http://localhost:11434"

# Providers that send to api_base and nowhere else. Some ignore it (sagemaker) or hand on what they get
# (litellm_proxy), so a provider that is not listed is never taken for local.
_ANY_API_BASE = (*OLLAMA, "openai", "anthropic", "custom_openai", "hosted_vllm", "lm_studio", "llamafile")
_TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
_NAME_HINT = "Write it as provider/model, such as ollama_chat/llama3.1, or write offline."
_FLAGS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


@dataclass(frozen=True)
class ModelSetting:
    """One model of the chain and how to reach it."""

    name: str  # "provider/model", as LiteLLM spells it
    api_base: str | None = None
    api_key_env: str | None = None  # the variable that holds the key: the key itself is never a setting
    timeout_s: float = 60.0  # for an answer, or for the next piece of one that is streamed
    retries: int = 1  # tries after the first

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]


_Known = Mapping[str, ModelSetting]  # the models that the file describes, by name


@dataclass(frozen=True)
class Settings:
    workspace: Path
    models: tuple[ModelSetting, ...] = ()  # in order of preference, without the implicit last "offline"
    local_only: bool = False
    verify_seconds: float = 5.0
    max_turns: int = 8
    budget_usd: float | None = None  # None is no limit
    embedder: ModelSetting | None = None  # None is the deterministic one
    folders: tuple[Path, ...] = ()  # besides the working folder and the workspace, where questions may name files
    tables: str | None = None  # the URI of an object store for new tables; None keeps them in the workspace
    otlp_endpoint: str | None = None  # None sends no telemetry anywhere


def load_settings(
    workspace: str | Path | None = None,
    models: Sequence[str | ModelSetting] | None = None,
    environ: Mapping[str, str] = os.environ,
    tables: str | None = None,
) -> Settings:
    """The settings in force; InputError names the file or variable, the key and what was expected."""
    from_file = _file_values(environ)
    known = {model.name: model for model in from_file.get("models", ())}
    values = {"workspace": Path(platformdirs.user_data_dir("vcf-agent", appauthor=False)), **from_file}
    values |= _environment_values(environ, known)
    if workspace is not None:
        values["workspace"] = _path(str(workspace), "the workspace")
    if tables is not None:
        values["tables"] = _store(tables, "--tables")
    if models is not None:
        values["models"] = _models(list(models), "the model list", known)
    values["models"] = tuple(_placed(model, environ) for model in values.get("models", ()))
    if values.get("embedder"):
        values["embedder"] = _placed(values["embedder"], environ)
    settings = Settings(**values)
    if settings.local_only:
        _check_local_only(settings, environ)
    return settings


def is_local(model: ModelSetting) -> bool:
    """Whether what is sent to the model stays on this machine."""
    if model.provider in OLLAMA and re.search(r"[:-]cloud$", model.name):
        return False  # Ollama's own server passes the prompts of these on to ollama.com
    if model.api_base is None:
        return model.provider in OLLAMA
    return model.provider in _ANY_API_BASE and _is_loopback(urlsplit(model.api_base).hostname or "")


def api_key(model: ModelSetting, environ: Mapping[str, str] = os.environ) -> str | None:
    """The model's key from the variable that its setting names."""
    return environ.get(model.api_key_env, "").strip() or None if model.api_key_env else None


def provider_variables(provider: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A provider's own variables, such as OPENAI_API_KEY: LiteLLM reads them by itself."""
    prefix = re.sub(r"\W", "_", provider).upper() + "_"
    return {name: value.strip() for name, value in environ.items() if name.startswith(prefix)}


def check_model_name(name: object, where: str) -> str:
    """The name, where it has the form provider/model; its provider is not looked up."""
    if isinstance(name, str) and len(name) <= 200 and re.fullmatch(r"[\w.-]+/[!-~]+", name, re.ASCII):
        return name
    raise InputError(f"{where} has {name!r}, which is not the name of a model", _NAME_HINT)


def _file_values(environ: Mapping[str, str]) -> dict[str, Any]:
    path = _settings_file(environ)
    if path is None:
        return {}
    table = _read_toml(path)
    _check_keys(table, _CHECKS, f"{path}")
    return {key: _CHECKS[key](value, f"{path}: {key}") for key, value in table.items()}


def _settings_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("VCF_AGENT_SETTINGS", "").strip()
    if named:
        return Path(named).expanduser()
    default = Path(platformdirs.user_config_dir("vcf-agent", appauthor=False)) / "settings.toml"
    return default if default.is_file() else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        what = f"the settings {path} cannot be read ({reason})"
        raise InputError(what, "Check VCF_AGENT_SETTINGS.") from error
    except ValueError as error:  # neither UTF-8 nor TOML
        raise InputError(f"{path} is not valid TOML: {error}") from error


def _check_keys(table: Mapping[str, object], known: Iterable[str], where: str) -> None:
    from rapidfuzz import process

    for key in table:
        if key not in known:
            near = process.extractOne(key, list(known), score_cutoff=60)
            hint = f"Did you mean {near[0]}?" if near else f"The keys are {', '.join(known)}."
            raise InputError(f"{where} has the unknown key {key!r}", hint)


def _environment_values(environ: Mapping[str, str], known: _Known) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, (key, typed) in _VARIABLES.items():
        if text := environ.get(name, "").strip():
            check = partial(_models, known=known) if key == "models" else _CHECKS[key]
            values[key] = check(typed(text), name)
    return values


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _truth(text: str) -> object:
    return _FLAGS.get(text.lower(), text)


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _expected(what: str, value: object, where: str) -> InputError:
    return InputError(f"{where} is {value!r}, expected {what}")


def _path(value: object, where: str) -> Path:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise _expected("the path of a folder", value, where)
    return Path(value).expanduser()


def _folders(value: object, where: str) -> tuple[Path, ...]:
    if not isinstance(value, list):
        raise _expected("a list of folders", value, where)
    return tuple(_path(entry, where) for entry in value)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _expected("true or false", value, where)
    return value


def _amount(value: object, where: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    raise _expected("a number, 0 or more", value, where)


def _time_out(value: object, where: str) -> float:
    if value == 0:
        raise _expected("a number of seconds above 0", value, where)
    return _amount(value, where)


def _whole(value: object, where: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _expected(f"a whole number from {least} to {most}", value, where)
    return value


def _word(value: object, where: str) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]\w*", value, re.ASCII):
        return value
    # The value is not shown: it may well be the key itself.
    raise InputError(f"{where} is not the name of an environment variable", "Put the key into that variable.")


def _models(value: object, where: str, known: _Known | None = None) -> tuple[ModelSetting, ...]:
    if not isinstance(value, list):
        raise _expected("a list of models", value, where)
    models = []
    for entry in value:
        if entry == OFFLINE or (isinstance(entry, ModelSetting) and entry.name == OFFLINE):
            break
        models.append(_model(entry, where, known or {}))
    return tuple(models)


def _embedder(value: object, where: str) -> ModelSetting | None:
    return None if value == OFFLINE else _model(value, where, {})


def _model(entry: object, where: str, known: _Known) -> ModelSetting:
    """A model given by name (one that the file describes keeps that description), by table, or ready made."""
    if isinstance(entry, ModelSetting):
        entry = {f.name: getattr(entry, f.name) for f in fields(entry) if getattr(entry, f.name) is not None}
    if not isinstance(entry, dict):
        name = check_model_name(entry, where)
        return known.get(name) or ModelSetting(name)
    if "name" not in entry:
        raise InputError(f"{where} has a model without a name", _NAME_HINT)
    at = f"{where}, model {entry['name']!r}"
    _check_keys(entry, _MODEL_CHECKS, at)
    return ModelSetting(**{key: _MODEL_CHECKS[key](value, f"{at}: {key}") for key, value in entry.items()})


def _base_url(value: object, where: str) -> str:
    if isinstance(value, str) and not re.search(r"[\s\\@]", value):
        url = _split(value)
        if url and url.scheme in ("http", "https") and url.hostname:
            return value.rstrip("/")
    # Not shown either: it may hold a password.
    raise InputError(f"{where} is not an address", "Write it as http://host:8000/v1, without a password.")


def _store(value: object, where: str) -> str:
    if isinstance(value, str) and re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.=/-]+)?", value, re.ASCII):
        return value.rstrip("/")
    # Not shown: it may hold a key.
    raise InputError(f"{where} is not the URI of an object store", "Write it as s3://bucket/folder, without a key.")


def _split(value: str) -> SplitResult | None:
    try:
        url = urlsplit(value)
        return url if url.port is None or url.port else None
    except ValueError:  # a port or an IPv6 host that cannot be one
        return None


_MODEL_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "name": check_model_name,
    "api_base": _base_url,
    "api_key_env": _word,
    "timeout_s": _time_out,
    "retries": lambda value, where: _whole(value, where, 0, 10),
}
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "workspace": _path,
    "models": _models,
    "local_only": _flag,
    "verify_seconds": _amount,
    "max_turns": lambda value, where: _whole(value, where, 1, 100),
    "budget_usd": _amount,
    "embedder": _embedder,
    "folders": _folders,
    "tables": _store,
    "otlp_endpoint": _base_url,
}
# The key that each variable gives, and how its text is read.
_VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "VCF_AGENT_WORKSPACE": ("workspace", str),
    "VCF_AGENT_MODEL": ("models", _listed),
    "VCF_AGENT_LOCAL_ONLY": ("local_only", _truth),
    "VCF_AGENT_EMBEDDER": ("embedder", str),
    "VCF_AGENT_VERIFY_SECONDS": ("verify_seconds", _number),
    "VCF_AGENT_FOLDERS": ("folders", lambda text: [part for part in text.split(os.pathsep) if part.strip()]),
    "VCF_AGENT_TABLES": ("tables", str),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("otlp_endpoint", str),
}


def _placed(model: ModelSetting, environ: Mapping[str, str]) -> ModelSetting:
    """The model with the address that Ollama's own variable gives, so that its place is known here."""
    elsewhere = environ.get("OLLAMA_API_BASE", "").strip()
    if model.provider in OLLAMA and model.api_base is None and elsewhere:
        return replace(model, api_base=_base_url(elsewhere, "OLLAMA_API_BASE"))
    return model


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_local_only(settings: Settings, environ: Mapping[str, str]) -> None:
    """Refuse what lets data leave: a model elsewhere, a proxy before a local one, LangChain's tracing."""
    for model in [*settings.models, *([settings.embedder] if settings.embedder else [])]:
        if not is_local(model):
            way_out = "Use an ollama_chat/ model, or openai/ with an api_base on localhost."
            raise InputError(f"local_only is set, but the model {model.name} is not on this machine", way_out)
        if proxy := _proxy(model, environ):
            host = urlsplit(model.api_base or OLLAMA_API_BASE).hostname
            what = f"local_only is set, but {proxy} puts a proxy before {model.name}"
            raise InputError(what, f"Put {host} into NO_PROXY.")
    if settings.tables:
        raise InputError("local_only is set, but tables names an object store", "Unset one of the two.")
    for name in _TRACING:
        if _FLAGS.get(environ.get(name, "").strip().lower()):
            raise InputError(f"local_only is set, but {name} sends all to LangSmith", f"Unset {name}.")


def _proxy(model: ModelSetting, environ: Mapping[str, str]) -> str | None:
    """The variable that puts a proxy before the model: HTTP clients take it for localhost too."""
    url = urlsplit(model.api_base or OLLAMA_API_BASE)
    given = {name.lower(): name for name, value in environ.items() if value.strip()}
    direct = [host.strip() for host in environ.get(given.get("no_proxy", ""), "").split(",")]
    if "*" in direct or url.hostname in direct:
        return None
    return given.get(f"{url.scheme}_proxy") or given.get("all_proxy")

"""What the program needs, looked at one by one. Nothing is sent anywhere."""

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from ..agent.settings import Settings, api_key, load_settings, provider_variables
from ..memory.catalog import Catalog
from ..memory.errors import VcfAgentError
from ..tools import bcftools

CORE = [
    "click",
    "kuzu",
    "lancedb",
    "langchain-core",
    "langgraph",
    "numpy",
    "opentelemetry-sdk",
    "pyarrow",
    "pydantic",
    "pysam",
]
EXTRAS = {"llm": "litellm", "ui": "chainlit", "slack": "slack-bolt", "strands": "strands-agents",
          "otel": "opentelemetry-exporter-otlp-proto-http", "postgres": "langgraph-checkpoint-postgres",
          "ray": "lance-ray"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    found: str


def checks(workspace: str | None) -> list[Check]:
    """Every check; one that fails names the reason and the way out."""
    try:
        settings = load_settings(workspace)
    except VcfAgentError as error:
        return [Check("settings", False, str(error))]
    looked: list[tuple[str, Callable[[Settings], str]]] = [
        ("python", _python), ("packages", _packages), ("extras", _extras), ("bcftools", _bcftools),
        ("workspace", _workspace), ("datasets", _datasets), ("models", _models),
    ]  # fmt: skip
    return [_check(name, look, settings) for name, look in looked]


def stores(workspace: str | None) -> list[Check]:
    """Whether file, table and graph agree, for each dataset; what cannot be compared is no failure."""
    from ..tools.check_stores import CheckStores, check_stores
    from ..tools.context import ToolContext

    result = check_stores(ToolContext(load_settings(workspace).workspace, []), CheckStores())
    return [Check(f"{what} ({name})", agree is not False, found) for what, name, agree, found in result.tables[0].rows]


def _check(name: str, look: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(name, True, look(settings))
    except (VcfAgentError, bcftools.BcftoolsError, OSError, PackageNotFoundError) as error:
        return Check(name, False, str(error))


def _python(settings: Settings) -> str:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise OSError(f"{platform.python_version()} is not supported; use 3.11, 3.12 or 3.13")
    return platform.python_version()


def _packages(settings: Settings) -> str:
    return ", ".join(f"{name} {version(name)}" for name in ["vcf-agent", *CORE])


def _extras(settings: Settings) -> str:
    found = []
    for extra, package in EXTRAS.items():
        try:
            found.append(f"{extra} ({package} {version(package)})")
        except PackageNotFoundError:
            found.append(f"{extra} (not installed)")
    return ", ".join(found)


def _bcftools(settings: Settings) -> str:
    with bcftools.stream(["--version"], 30) as output:
        return output.read().decode().splitlines()[0]


def _workspace(settings: Settings) -> str:
    with Catalog(settings.workspace).write():
        return f"{settings.workspace} can be written"


def _datasets(settings: Settings) -> str:
    """Each dataset's table has the rows that the catalog says."""
    from ..tools.dataset import OpenDataset

    found = Catalog(settings.workspace).datasets()
    for dataset in found:
        rows = OpenDataset(dataset, settings.workspace).table.count("")
        if rows != dataset.summary["rows"]:
            raise OSError(f"{dataset.name} has {rows} rows instead of {dataset.summary['rows']}; ingest it --again")
    return f"{len(found)}, each with the rows that the catalog says"


def _models(settings: Settings) -> str:
    named = [f"{m.name} ({'key set' if api_key(m) or any(provider_variables(m.provider).values()) else 'no key set'})"
             for m in settings.models]  # fmt: skip
    mode = "; local only" if settings.local_only else ""
    return " -> ".join([*named, "offline"]) + mode

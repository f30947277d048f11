"""Two tools of the conversation itself: to ask back, and to decline. They end a turn."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class AskBack(BaseModel):
    """Ask the person which of several readings is meant. Use it when they would give different numbers."""

    model_config = ConfigDict(extra="forbid")
    question: str
    choices: list[str] = Field(default_factory=list, description="ways to say each reading as a question")


class Decline(BaseModel):
    """Say that this is not answered here, why, and what could be asked instead."""

    model_config = ConfigDict(extra="forbid")
    reason: str


ENDINGS: dict[str, tuple[str, type[BaseModel]]] = {
    "ask_back": ("clarification", AskBack),
    "decline": ("refusal", Decline),
}
"""The kind of answer that each makes, and its arguments."""


def schemas() -> list[dict[str, Any]]:
    """Both as OpenAI function tools."""
    return [
        {"type": "function", "function": {"name": name, "description": model.__doc__, "parameters": _schema(model)}}
        for name, (_, model) in ENDINGS.items()
    ]


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    return {k: v for k, v in schema.items() if k not in ("title", "description")}


def text_of(name: str, arguments: dict[str, Any]) -> str:
    """What the person reads. Raises `ValidationError` for arguments that do not fit."""
    checked = ENDINGS[name][1].model_validate(arguments)
    if isinstance(checked, AskBack):
        choices = "".join(f"\n- {c}" for c in checked.choices)
        return checked.question + (f" For example:{choices}" if choices else "")
    assert isinstance(checked, Decline)
    return checked.reason

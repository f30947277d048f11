"""Two tools of the conversation itself: to ask back, and to decline. They end a turn."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .answer import Answer


class AskBack(BaseModel):
    """Ask the person which of several readings is meant. Use it when they would give different numbers."""

    model_config = ConfigDict(extra="forbid")
    question: str
    choices: list[str] = Field(default_factory=list, description="ways to say each reading as a question")


class Decline(BaseModel):
    """Say that this is not answered here, why, and what could be asked instead."""

    model_config = ConfigDict(extra="forbid")
    reason: str
    unknown_name: bool = Field(
        False, description="the question names a sample, gene or field that the file does not have"
    )


_ENDINGS: dict[str, type[BaseModel]] = {"ask_back": AskBack, "decline": Decline}
NAMES = tuple(_ENDINGS)


def schemas() -> list[dict[str, Any]]:
    """Both as OpenAI function tools."""
    return [
        {
            "type": "function",
            "function": {"name": name, "description": model.__doc__, "parameters": _schema(model)},
        }
        for name, model in _ENDINGS.items()
    ]


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    return {k: v for k, v in schema.items() if k not in ("title", "description")}


def answer_of(name: str, arguments: dict[str, Any]) -> Answer:
    """The answer that ends the turn. Raises `ValidationError` for arguments that do not fit."""
    checked = _ENDINGS[name].model_validate(arguments)
    if isinstance(checked, AskBack):
        choices = "".join(f"\n- {c}" for c in checked.choices)
        return Answer("clarification", checked.question + (f" For example:{choices}" if choices else ""))
    assert isinstance(checked, Decline)
    return Answer("error" if checked.unknown_name else "refusal", checked.reason)

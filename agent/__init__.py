"""The loop: session, models, offline planner. `from vcf_agent.agent import VariantAgent`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answer import Answer
    from .session import VariantAgent

__all__ = ["Answer", "VariantAgent"]


def __getattr__(name: str) -> Any:
    """Import on first use: the command line's --help needs none of it."""
    if name == "VariantAgent":
        from .session import VariantAgent

        return VariantAgent
    if name == "Answer":
        from .answer import Answer

        return Answer
    raise AttributeError(name)

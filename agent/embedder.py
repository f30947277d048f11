"""The embedder that the settings name: a provider's model in place of the deterministic one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..memory.errors import InputError
from .settings import Settings, is_local

if TYPE_CHECKING:
    from ..memory.embedding import Embedder

DIMENSION = 768


def embedder_of(settings: Settings) -> Embedder | None:
    """The provider's model, or null for the deterministic one.

    Raises `InputError` where the settings name one that is elsewhere, and are local-only.
    """
    model = settings.embedder
    if model is None:
        return None
    if settings.local_only and not is_local(model):
        raise InputError(
            f"local_only is set, but the embedder {model.name} is not on this machine", "Unset one of them"
        )
    from ..memory.text_embedding import TextEmbedder
    from .models import embeddings

    cache = settings.workspace / "embeddings.sqlite"
    return TextEmbedder(model.name, DIMENSION, cache, lambda texts: embeddings(model, texts, DIMENSION))

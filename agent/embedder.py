"""The embedder that the settings name: the deterministic one, or a provider's model."""

from ..memory.embedding import Embedder, PartsEmbedder
from ..memory.errors import InputError
from ..memory.text_embedding import TextEmbedder
from .models import embeddings
from .settings import Settings, is_local

DIMENSION = 768


def embedder_of(settings: Settings) -> Embedder:
    """Raises `InputError` where the settings name one that is elsewhere, and are local-only."""
    model = settings.embedder
    if model is None:
        return PartsEmbedder()
    if settings.local_only and not is_local(model):
        raise InputError(
            f"local_only is set, but the embedder {model.name} is not on this machine", "Unset one of them"
        )
    cache = settings.workspace / "embeddings.sqlite"
    return TextEmbedder(model.name, DIMENSION, cache, lambda texts: embeddings(model, texts, DIMENSION))

"""Plain questions for a picture, as arguments of `draw`."""

from ..tools.dataset import OpenDataset
from ..tools.result import Json
from .conditions import read_conditions
from .phrases import Conditions, Text

_KIND = (
    r"(?:bar chart|pie chart|histogram|scatter ?plot|plot|chart|figure|picture|distribution|heat ?map|network|graph)"
)
_DRAW = (
    rf"^\W*(?:(?:plot|draw|chart|visuali[sz]e)(?: me)?|(?:show|give|make)(?: me)?(?: an?| the)? {_KIND} (?:of|for)"
    rf"|(?:an? |the )?{_KIND} of)(?: an?| the)*(?: {_KIND} (?:of|for))?(?: an?| the)*"
)
_PICTURES: list[tuple[str, dict[str, Json]]] = [
    (r"(?:ti ?/ ?tv|ts ?/ ?tv|titv|tstv)(?: ratio)?|transitions? (?:and|versus|vs\.?) transversions?", {"picture": "titv"}),
    (r"(?:base )?(?:substitutions?|base changes?)(?: types?)?", {"picture": "substitutions"}),
    (r"(?:variant types|types of (?:the )?variants)", {"picture": "types"}),
    (r"indel (?:sizes?|lengths?)|(?:sizes?|lengths?) of (?:the )?indels", {"picture": "indel_sizes"}),
    (r"(?:format/dp|(?:genotype|sample) depths?|depths? (?:per|by|of each|of the|of) (?:samples?|genotypes?))",
     {"picture": "depth", "of": "sample"}),
    (r"(?:info/dp|site depths?|depths? (?:per|by|of each|of the|of) sites?)", {"picture": "depth", "of": "site"}),
    (r"(?:read )?(?:depths?|dp|coverage)", {"picture": "depth"}),
    (r"(?:site |variant |call )?qual(?:ity|ities)?(?: scores?| values?)?", {"picture": "quality"}),
    (r"(?:site |allele )*(?:frequency|count) spectrum|allele[- ]counts?|sfs", {"picture": "spectrum"}),
    (r"(?:variant )?density(?: (?:along|over|across|per|by)(?: the)? (?:contigs?|chromosomes?|genome))?",
     {"picture": "density"}),
    (r"missing(?:ness| genotypes?)(?: rates?)? (?:by|per|of each|of the) sites?", {"picture": "missingness", "of": "site"}),
    (r"missing(?:ness| genotypes?)(?: rates?)?(?: (?:by|per|of each|of the) samples?)?", {"picture": "missingness"}),
    (r"heterozygosity(?: rates?)?(?: (?:by|per|of each|of the) samples?)?", {"picture": "heterozygosity"}),
    (r"(?:pca|principal components?(?: analysis)?)(?: of (?:the )?(?:samples|genotypes))?", {"picture": "pca"}),
    (r"(?:samples? that carry|carriers of)(?: variants in)?", {"picture": "carriers"}),
]  # fmt: skip


def picture_asked(text: Text, data: OpenDataset) -> tuple[Conditions, dict[str, Json]] | None:
    """The conditions and the picture that a question asks for; null, with the text as it was, where it asks for none."""
    before = text.rest
    if text.take(_DRAW):
        for mark, name in text.names.items():
            if name == "INFO/DP":
                text.rest = text.rest.replace(mark, "info/dp")
        for pattern, arguments in _PICTURES:
            if text.take(pattern):
                return _narrowed(text, data, dict(arguments))
    text.rest = before
    return None


def _narrowed(text: Text, data: OpenDataset, wanted: dict[str, Json]) -> tuple[Conditions, dict[str, Json]]:
    if wanted["picture"] == "pca" and (by := text.take(r"colou?red by (?P<by>family|families|status|affection)")):
        wanted["colour_by"] = "family" if by["by"].startswith("famil") else "status"
    conditions = read_conditions(text, data)
    conditions.found.pop("scope", None)
    return conditions, wanted

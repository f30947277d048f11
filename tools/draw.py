"""A picture of the file's numbers, with the numbers under it."""

from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ..memory.errors import ToolError
from . import sample_pictures as samples
from . import site_pictures as sites
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import prove
from .filters import VariantFilter
from .pictures import Picture
from .registry import Tool
from .result import ToolResult
from .selection import Selection, select

Name = Literal[
    "titv", "substitutions", "types", "indel_sizes", "quality", "depth", "spectrum", "density", "missingness",
    "heterozygosity", "pca", "carriers",
]  # fmt: skip
Of = Literal["site", "sample"]
CONDITIONS = set(VariantFilter.model_fields)
FITS = {"of": ("depth", "missingness"), "window": ("density",), "colour_by": ("pca",)}


class Draw(VariantFilter):
    """A picture, and conditions on the records that it is drawn from."""

    picture: Name = Field(
        description="titv: changes of base pairs, transitions beside transversions. substitutions: the 12 changes of "
        "a base. types: records by type of variant. indel_sizes: indels by change in length. quality: QUAL. depth: "
        "INFO/DP or FORMAT/DP. spectrum: ALT alleles by number of copies. density: records along the contigs. "
        "missingness: missing genotypes. heterozygosity: of each sample. pca: principal components. carriers: samples, "
        "variants and genes as a network; needs `genes`"
    )
    of: Of | None = Field(
        None,
        description="depth: site is INFO/DP, sample FORMAT/DP; without it, INFO/DP where the file has it. "
        "missingness: by sample (the default) or by site",
    )
    window: int | None = Field(None, ge=1, description="density: size of a window in bases; without it, a round one")
    colour_by: Literal["family", "status"] | None = Field(
        None, description="pca: the pedigree's family (the default), or who is affected"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, pictures in FITS.items():
            if getattr(self, name) is not None and self.picture not in pictures:
                raise ValueError(f"`{name}` goes with {' and '.join(pictures)}, not with {self.picture}")
        return self

    def conditions(self) -> dict[str, Any]:
        """The conditions alone, for a tool that counts under the same ones."""
        return {name: getattr(self, name) for name in CONDITIONS}


def draw(context: ToolContext, wanted: Draw) -> ToolResult:
    """A Plotly figure as JSON with the numbers it is drawn from; the value maps each mark to its number.

    A figure has `name`, `figure` (`data` and `layout`, numbers in plain lists) and `alt`, one sentence that says
    what it shows. Names from the file are escaped in the figure, and as they are in the table.
    """
    data = context.dataset(wanted.dataset)
    if wanted.picture in _OF_GENOTYPES:
        data.need_genotypes()
    found = select(data, wanted)
    picture = _painter(data, wanted)(context, data, found, wanted)
    result = ToolResult(picture.text, picture.value, picture.unit, tables=picture.tables, private=picture.private)
    result.reading = list(dict.fromkeys([*picture.reading, *found.reading]))
    result.figures.append({"name": wanted.picture, "figure": picture.figure, "alt": picture.alt})
    result.evidence += picture.evidence
    if picture.command is not None:
        result.evidence.append(prove(context, data, "draw", wanted, picture.command, picture.expected))
    return result


_OF_GENOTYPES = {"spectrum", "missingness", "heterozygosity", "pca", "carriers"}

Painter = Callable[[ToolContext, OpenDataset, Selection, Draw], Picture]

_PAINTERS: dict[str, Painter] = {
    "titv": sites.titv, "substitutions": sites.substitutions, "types": sites.types,
    "indel_sizes": sites.indel_sizes, "quality": sites.quality, "spectrum": sites.spectrum, "density": sites.density,
    "heterozygosity": samples.heterozygosity, "pca": samples.pca, "carriers": samples.carriers,
}  # fmt: skip


def _painter(data: OpenDataset, wanted: Draw) -> Painter:
    if wanted.picture == "missingness":
        return samples.missing_by_site if wanted.of == "site" else samples.missing_by_sample
    if wanted.picture == "depth":
        of = wanted.of or ("site" if "DP" in data.info else "sample")
        if wanted.of is None and of == "sample" and "DP" not in data.summary["sample_fields"]:
            raise ToolError(f"{data.name} has neither INFO/DP nor FORMAT/DP, so no depth can be drawn")
        return sites.site_depth if of == "site" else samples.sample_depth
    return _PAINTERS[wanted.picture]


TOOL = Tool(
    "draw",
    "Draw a picture of the file, with the numbers under it as a table: Ti/Tv, substitutions, types, indel lengths, "
    "quality, depth, allele counts, density along contigs, missing genotypes, heterozygosity, principal components, "
    "carriers of a gene. Use it for plot, chart, histogram, figure, show the distribution. All filters apply.",
    Draw,
    draw,
    example={"picture": "indel_sizes", "filters": ["PASS"]},
)

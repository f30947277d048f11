"""Which sample of a file is the tumour and which the normal."""

import re
from dataclasses import dataclass

from ..memory.errors import InputError, ToolError
from .dataset import OpenDataset
from .vcf_file import open_vcf, parse_structured

TUMOUR_WORDS = {"tumor", "tumour", "tum", "t", "cancer", "somatic", "metastasis", "primary"}
NORMAL_WORDS = {"normal", "norm", "n", "germline", "blood", "control", "healthy"}
_BARCODE = re.compile(r"^TCGA-\w{2}-\w{4}-(\d\d)")
WAY_OUT = "Name them: `tumour` and `normal`, or `tumour` and `tumour_only`"


@dataclass(frozen=True, slots=True)
class Who:
    """0-based columns of the two samples, `normal` null where there is none, and how they were told apart."""

    tumour: int
    normal: int | None
    how: str


def tell_apart(data: OpenDataset, tumour: str | None, normal: str | None, tumour_only: bool) -> Who:
    """Who is who: as named, else by the header, else by the samples' names.

    Raises `ToolError` where that is not clear.
    """
    data.need_samples()
    if tumour is not None:
        t = data.sample_index(tumour)
        return Who(t, *_partner(data, t, normal, tumour_only))
    found, how = _told(data)
    if normal is not None:
        n = data.sample_index(normal)
        tumours = [s for s in found[0] if s != data.samples[n]]
        tumours = tumours or [s for s in data.samples if s != data.samples[n]]
        return Who(data.sample_index(_only(data, tumours, "tumour")), n, f"{data.samples[n]} was named as the normal")
    if tumour_only or len(data.samples) == 1:
        names = found[0] or (data.samples if len(data.samples) == 1 else [])
        how = how if found[0] else "it is the only sample"
        return Who(data.sample_index(_only(data, names, "tumour")), None, how)
    t = data.sample_index(_only(data, found[0], "tumour"))
    return Who(t, data.sample_index(_only(data, found[1], "normal")), how)


def _partner(data: OpenDataset, tumour: int, normal: str | None, tumour_only: bool) -> tuple[int | None, str]:
    """The normal to a tumour that was named."""
    name = data.samples[tumour]
    if normal is not None:
        n = data.sample_index(normal)
        if n == tumour:
            raise ToolError(f"{name} is named as tumour and as normal", "Name two samples")
        return n, "both were named"
    others = [s for s in data.samples if s != name]
    if tumour_only or not others:
        return None, f"{name} was named"
    if len(others) == 1:
        return data.sample_index(others[0]), f"{name} was named, and the file's other sample taken as the normal"
    (_, normals), how = _told(data)
    normals = [s for s in normals if s != name]
    return data.sample_index(_only(data, normals, "normal")), f"{name} was named; the normal: {how}"


def _only(data: OpenDataset, names: list[str], role: str) -> str:
    if len(names) == 1:
        return names[0]
    shown = ", ".join(data.samples[:10]) + (" and more" if len(data.samples) > 10 else "")
    if not names:
        raise ToolError(
            f"Neither the header of {data.name} nor its samples' names tell which is the {role}: {shown}", WAY_OUT
        )
    raise ToolError(f"{data.name} has several samples that could be the {role}: {', '.join(names)}", WAY_OUT)


def _told(data: OpenDataset) -> tuple[tuple[list[str], list[str]], str]:
    """Tumours and normals, and what told them; empty lists where nothing does."""
    for told, how in _header_says(data):
        if told[0]:
            return told, how
    sides = [_side_of_name(name) for name in data.samples]
    found = tuple([s for s, side in zip(data.samples, sides, strict=True) if side == role] for role in ("t", "n"))
    return (found[0], found[1]), "told apart by their names"


def _header_says(data: OpenDataset) -> list[tuple[tuple[list[str], list[str]], str]]:
    """What each kind of header line says of the samples of the file, in the order in which they are believed."""
    try:
        other = open_vcf(data.dataset.path).header.other
    except InputError:  # the file was moved or changed since it was read
        return []
    plain = ([v.strip() for k, v in other if k == role] for role in ("tumor_sample", "normal_sample"))
    told = [(_known(data, *plain), "by ##tumor_sample and ##normal_sample of the header")]
    pedigree = [parse_structured(v) for k, v in other if k == "PEDIGREE"]
    derived = [p.get("Derived") or p.get("ID", "") for p in pedigree if "Original" in p]
    told.append((_known(data, derived, [p["Original"] for p in pedigree if "Original" in p]), "by ##PEDIGREE"))
    lines = [parse_structured(v) for k, v in other if k == "SAMPLE"]
    sides = {p.get("ID", ""): _side_of_line(p) for p in lines}
    roles = ([s for s, side in sides.items() if side == role] for role in ("t", "n"))
    told.append((_known(data, *roles), "by ##SAMPLE of the header"))
    return told


def _known(data: OpenDataset, tumours: list[str], normals: list[str]) -> tuple[list[str], list[str]]:
    """Those that are samples of the file, each once."""
    here = [list(dict.fromkeys(n for n in names if n in data.samples)) for names in (tumours, normals)]
    return here[0], here[1]


def _side_of_line(line: dict[str, str]) -> str:
    """A tumour's genomes may be `Germline;Tumor`, so the tumour is looked for first."""
    text = " ".join(line.get(k, "") for k in ("ID", "Genomes", "SampleName", "Description")).lower()
    if re.search(r"tumou?r|cancer|somatic", text):
        return "t"
    return "n" if re.search(r"normal|germline", text) else ""


def _side_of_name(name: str) -> str:
    if barcode := _BARCODE.match(name):
        return "t" if int(barcode[1]) < 10 else "n" if int(barcode[1]) < 20 else ""
    words = set(re.split(r"[^a-z]+", name.lower()))
    is_tumour, is_normal = bool(words & TUMOUR_WORDS), bool(words & NORMAL_WORDS)
    return "" if is_tumour == is_normal else "t" if is_tumour else "n"

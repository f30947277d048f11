"""ClinVar's words: classes of clinical significance by whole values, and stars of the review status."""

import re
from typing import Literal, get_args

Class = Literal["pathogenic", "likely_pathogenic", "uncertain", "conflicting", "likely_benign", "benign", "other"]
CLASSES: tuple[Class, ...] = get_args(Class)
REVIEW_FIELDS = ["CLNREVSTAT", "ClinVar_CLNREVSTAT", "CLNREVSTATUS"]

_PARTS: dict[str, Class] = {
    "pathogenic": "pathogenic",
    "likely pathogenic": "likely_pathogenic",
    "uncertain significance": "uncertain",
    "uncertain": "uncertain",
    "vus": "uncertain",
    "conflicting interpretations of pathogenicity": "conflicting",
    "conflicting classifications of pathogenicity": "conflicting",
    "conflicting data from submitters": "conflicting",
    "likely benign": "likely_benign",
    "benign": "benign",
    "0": "uncertain",
    "2": "benign",
    "3": "likely_benign",
    "4": "likely_pathogenic",
    "5": "pathogenic",
}
"""Numbers as ClinVar's files had them before 2017."""
STARS = {
    "practice guideline": 4,
    "reviewed by expert panel": 3,
    "criteria provided, multiple submitters, no conflicts": 2,
    "criteria provided, multiple submitters": 2,
    "criteria provided, conflicting classifications": 1,
    "criteria provided, conflicting interpretations": 1,
    "criteria provided, single submitter": 1,
    "no assertion criteria provided": 0,
    "no assertion provided": 0,
    "no classification provided": 0,
    "no classifications from unflagged records": 0,
    "no classification for the individual variant": 0,
    "no classification for the single variant": 0,
    "no assertion for the individual variant": 0,
    "no interpretation for the single variant": 0,
}
"""As ClinVar gives them: https://www.ncbi.nlm.nih.gov/clinvar/docs/review_status/."""


def classes_of(text: str) -> frozenset[Class]:
    """The classes that the value of CLNSIG belongs to, by its whole parts; what is none of them is `other`.

    `Pathogenic/Likely_pathogenic` is both. Low penetrance belongs to its class; a drug response, a risk factor or an
    association beside a class does not change it. Where submitters conflict, it is `conflicting` alone.
    """
    parts = [p for p in re.split(r"[|/&,;]+", re.sub(r"[\s_]+", " ", text.casefold())) if p.strip()]
    found = {_PARTS[p.strip()] for p in parts if p.strip() in _PARTS}
    if "conflicting" in found:
        return frozenset({"conflicting"})
    return frozenset(found or {"other"})


def group_of(text: str) -> str:
    """One name for the classes of a value: `pathogenic/likely_pathogenic` for both, in the order of `CLASSES`."""
    found = classes_of(text)
    return "/".join(c for c in CLASSES if c in found)


def stars_of(text: str) -> int | None:
    """Stars of a review status, null for one that is not known."""
    return STARS.get(re.sub(r"\s*,\s*", ", ", re.sub(r"[\s_]+", " ", text.casefold()).strip()))

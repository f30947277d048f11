"""One record against every rule, exactly. The fast engine hands over only the lines that it cannot clear."""

from collections.abc import Iterable

from .findings import Findings
from .genotypes import check_genotypes
from .header import Header
from .info import check_info
from .names import Names
from .predefined import Kind, find_predefined
from .site import SYMBOL, check_alleles, check_site
from .values import Breach


class RecordChecker:
    """Checks lines and remembers which undeclared names it has already spoken of."""

    def __init__(self, header: Header, findings: Findings) -> None:
        self.header = header
        self.findings = findings
        self._spoken_of = Names()

    def check_columns(self, number: int, line: str) -> None:
        """Add the finding of a line with another number of columns than the header."""
        self.findings.add("COLUMN_COUNT", number, None, self._column_problem(line))

    def check_site(self, number: int, columns: list[str]) -> bool:
        """Check CHROM to INFO; true where nothing is wrong but names that no header line declares."""
        found = [*check_site(columns, self.header), *self._check_colon(columns[0])]
        if alleles_are_readable(columns, self.header):
            found += check_info(columns, self.header)
        broken = self._add(number, found)
        self._undeclared_keys(number, "INFO", [e.partition("=")[0] for e in columns[7].split(";")], broken)
        for name in columns[6].split(";") if "FILTER" not in broken else []:
            if name not in ("PASS", ".") and name not in self.header.filters:
                self._undeclared("FILTER_UNDECLARED", number, "FILTER", name)
        for allele in columns[4].split(",") if "ALT" not in broken else []:
            if SYMBOL.fullmatch(allele) and allele[1:-1] not in self.header.alts:
                self._undeclared("ALT_UNDECLARED", number, "ALT", allele[1:-1])
        return not broken

    def check_samples(self, number: int, columns: list[str], doubtful: Iterable[tuple[int, str]]) -> bool:
        """Check FORMAT and those samples (0-based, with their text) that are doubtful; true as in `check_site`."""
        broken = self._add(number, check_genotypes(columns, self.header, doubtful))
        self._undeclared_keys(number, "FORMAT", columns[8].split(":"), broken)
        return not broken

    def _add(self, number: int, breaches: Iterable[Breach]) -> set[str]:
        """Add what is new; the fields that are wrong."""
        new = [b for b in breaches if self._is_new(b)]
        for breach in new:
            self.findings.add(breach.code, number, breach.field, breach.message, breach.eased)
        return {b.field for b in new}

    @staticmethod
    def _check_colon(chrom: str) -> list[Breach]:
        return [Breach("CHROM_COLON", "CHROM", f"{chrom[:60]!r} has a colon")] if ":" in chrom else []

    def _is_new(self, breach: Breach) -> bool:
        """A percent sign in a key and a colon in a name are told once, not for each record."""
        if breach.code not in ("CHROM_COLON", "FORMAT_KEY_PERCENT"):
            return True
        return self._first_time(breach.code, breach.message)

    def _first_time(self, code: str, name: str) -> bool:
        return self._spoken_of.add((code, name))

    def _column_problem(self, line: str) -> str:
        number = line.count("\t") + 1
        if number < 2 and len(line.split(maxsplit=4)) > 3:
            return "the columns are parted by spaces, not by tabs"
        return f"{number} column{'s' * (number != 1)} where the header has {self.header.columns}"

    def _undeclared_keys(self, number: int, kind: Kind, keys: list[str], broken: set[str]) -> None:
        if kind in broken or keys in (["."], [""]):
            return
        for key in keys:
            if not self.header.is_declared(kind, key) and f"{kind}/{key[:60]}" not in broken:
                self._undeclared(f"{kind}_UNDECLARED", number, f"{kind}/{key[:60]}", key)

    def _undeclared(self, code: str, number: int, where: str, name: str) -> None:
        if self._first_time(code, name):
            kind = code.removesuffix("_UNDECLARED")
            if self.header.nameless[kind]:
                self.header.nameless[kind] -= 1
                return
            self.findings.note_undeclared(kind, name)
            message = f"{kind} {name[:60]} is used here first and not declared in the header"
            self.findings.add(code, number, where, message, fix=f"Add {header_line(kind, name, self.header.version)}")


def alleles_are_readable(columns: list[str], header: Header) -> bool:
    """Whether REF and ALT can be taken as alleles, so that numbers of values can be compared with theirs."""
    return not any(
        b.code in ("REF_SYNTAX", "ALT_SYNTAX") for b in check_alleles(columns[3], columns[4], header.version)
    )


def header_line(kind: str, name: str, version: str) -> str:
    """The header line that a name lacks; with Number and Type where the specification gives them."""
    if kind not in ("INFO", "FORMAT"):
        return f'##{kind}=<ID={name},Description="...">'
    known = find_predefined("INFO" if kind == "INFO" else "FORMAT", name, version)
    number, type_ = (known.number, known.type) if known else ("...", "...")
    return f'##{kind}=<ID={name},Number={number},Type={type_},Description="...">'

"""One record against every rule, exactly. The fast engine hands over only the lines that it cannot clear."""

from .findings import Findings
from .genotypes import check_genotypes
from .header import Header
from .info import check_info
from .predefined import Kind
from .site import SYMBOL, check_site
from .values import Breach


class RecordChecker:
    """Checks lines and remembers which undeclared names it has already spoken of."""

    def __init__(self, header: Header, findings: Findings) -> None:
        self.header = header
        self.findings = findings
        self._spoken_of: set[tuple[str, str]] = set()

    def check(self, number: int, line: str) -> bool:
        """Add the findings of line `number` (1-based); true where it breaks no rule but that of declaring names."""
        columns = line.split("\t")
        problem = self._column_problem(columns, line)
        if problem:
            self.findings.add("COLUMN_COUNT", number, None, problem)
            return False
        breaches = [b for b in self._breaches(columns) if self._is_new(b)]
        for breach in breaches:
            self.findings.add(breach.code, number, breach.field, breach.message, breach.eased)
        self._speak_of_undeclared(number, columns, {b.field for b in breaches})
        return not breaches

    def _breaches(self, columns: list[str]) -> list[Breach]:
        if ":" in columns[0]:
            colon = [Breach("CHROM_COLON", "CHROM", f"{columns[0][:60]!r} has a colon")]
        else:
            colon = []
        found = [*check_site(columns, self.header), *colon]
        alleles_are_clear = not any(b.field in ("REF", "ALT") and b.code.endswith("SYNTAX") for b in found)
        if alleles_are_clear:
            found += [*check_info(columns, self.header), *check_genotypes(columns, self.header)]
        return found

    def _is_new(self, breach: Breach) -> bool:
        """A percent sign in a key and a colon in a name are told once, not for each record."""
        if breach.code not in ("CHROM_COLON", "FORMAT_KEY_PERCENT"):
            return True
        return self._first_time(breach.code, breach.message)

    def _first_time(self, code: str, name: str) -> bool:
        if (code, name) in self._spoken_of:
            return False
        self._spoken_of.add((code, name))
        return True

    def _column_problem(self, columns: list[str], line: str) -> str:
        wanted = self.header.columns or max(8, len(columns))
        if len(columns) == wanted:
            return ""
        if len(columns) < 2 and len(line.split()) > 3:
            return "the columns are parted by spaces, not by tabs"
        return f"{len(columns)} column{'s' * (len(columns) != 1)} where the header has {wanted}"

    def _speak_of_undeclared(self, number: int, columns: list[str], broken: set[str]) -> None:
        """Names without a header line, once each; not where the column or key is wrong in itself."""
        self._undeclared_keys(number, "INFO", [e.partition("=")[0] for e in columns[7].split(";")], broken)
        if len(columns) > 8:
            self._undeclared_keys(number, "FORMAT", columns[8].split(":"), broken)
        for name in columns[6].split(";") if "FILTER" not in broken else []:
            if name not in ("PASS", ".") and name not in self.header.filters:
                self._undeclared("FILTER_UNDECLARED", number, "FILTER", name)
        for allele in columns[4].split(",") if "ALT" not in broken else []:
            if SYMBOL.fullmatch(allele) and allele[1:-1] not in self.header.alts:
                self._undeclared("ALT_UNDECLARED", number, "ALT", allele[1:-1])

    def _undeclared_keys(self, number: int, kind: Kind, keys: list[str], broken: set[str]) -> None:
        if kind in broken or keys in (["."], [""]):
            return
        for key in keys:
            if not self.header.is_declared(kind, key) and f"{kind}/{key[:60]}" not in broken:
                self._undeclared(f"{kind}_UNDECLARED", number, f"{kind}/{key[:60]}", key)

    def _undeclared(self, code: str, number: int, where: str, name: str) -> None:
        if self._first_time(code, name):
            kind = code.removesuffix("_UNDECLARED")
            self.findings.add(code, number, where, f"{kind} {name[:60]} is used here first and not declared in the header")

"""Single faults: what is changed in a valid file, and the one finding that it must give.

`SITE` and the others list (rule, field, edit). An edit takes the columns of one record and changes them.
"""

from collections.abc import Callable
from typing import NamedTuple

from valid_vcf import Vcf

Columns = list[str]


class Fault(NamedTuple):
    """`change` edits the columns of a record with one ALT and samples; `versions` are those it is a fault in."""

    code: str
    field: str
    change: Callable[[Columns], None]
    versions: str = "4.1 4.2 4.3 4.4 4.5"


def put(column: int, text: str) -> Callable[[Columns], None]:
    """Put a text in place of a column."""

    def change(columns: Columns) -> None:
        columns[column] = text

    return change


def info(key: str, entry: str) -> Callable[[Columns], None]:
    """Put `entry` in place of that of `key`, or behind the others."""

    def change(columns: Columns) -> None:
        entries = [e for e in columns[7].split(";") if e.partition("=")[0] != key]
        columns[7] = ";".join([*entries, entry])

    return change


def value(key: str, text: str) -> Callable[[Columns], None]:
    """Put a value in place of that of a FORMAT key, in the last sample."""

    def change(columns: Columns) -> None:
        values = columns[-1].split(":")
        values[columns[8].split(":").index(key)] = text
        columns[-1] = ":".join(values)

    return change


def key(name: str, text: str) -> Callable[[Columns], None]:
    """Add a FORMAT key, with `text` for every sample."""

    def change(columns: Columns) -> None:
        columns[8] += f":{name}"
        columns[9:] = [f"{cell}:{text}" for cell in columns[9:]]

    return change


def add(column: int, text: str) -> Callable[[Columns], None]:
    def change(columns: Columns) -> None:
        columns[column] += text

    return change


def drop_last(columns: Columns) -> None:
    columns.pop()


def insert_tab(columns: Columns) -> None:
    columns.insert(3, "")


def spaces(columns: Columns) -> None:
    columns[:] = [" ".join(columns)]


def same_alt(columns: Columns) -> None:
    columns[4] = columns[3]


def other_anchor(columns: Columns) -> None:
    columns[4] = ("C" if columns[3][0] != "C" else "G") + "TTTT"


def two_alts(text: str) -> Callable[[Columns], None]:
    """Two ALT alleles and nothing else: {0} is REF, {1} another base."""

    def change(columns: Columns) -> None:
        ref = columns[3][0]
        columns[3], columns[4] = ref, text.format(ref, "C" if ref != "C" else "G")
        columns[7], columns[8], columns[9:] = ".", "GT", ["1/2", "0/1", "0/2"]

    return change


def lower_alt(columns: Columns) -> None:
    columns[3] = columns[3][0]
    columns[4] = columns[3].lower()


def gt_last(columns: Columns) -> None:
    columns[8] = ":".join([*columns[8].split(":")[1:], "GT"])
    columns[9:] = [":".join([*cell.split(":")[1:], cell.split(":")[0]]) for cell in columns[9:]]


def gt_second(columns: Columns) -> None:
    columns[8] = "DP:GT"
    columns[9:] = ["3:0/1", "4:0/0", "5:1/1"]


def gt_third(columns: Columns) -> None:
    columns[8] = "DP:PL:GT"
    columns[9:] = ["3:.:0/1", "4:.:0/0", "5:.:1/1"]


def structural(alt: str, entries: str, keys: str = "GT", cells: str = "0/1") -> Callable[[Columns], None]:
    """A structural variant in place of the record; {pos} is its position."""

    def change(columns: Columns) -> None:
        columns[4], columns[7] = alt, entries.format(pos=int(columns[1]))
        columns[8], columns[9:] = keys, [cells] * 3

    return change


NEW, OLD, LIST = "4.4 4.5", "4.1 4.2 4.3", "4.3 4.4 4.5"

SITE = [
    Fault("COLUMN_COUNT", "", drop_last),
    Fault("COLUMN_COUNT", "", insert_tab),
    Fault("COLUMN_COUNT", "", spaces),
    Fault("CHROM_SYNTAX", "CHROM", put(0, "chr 1")),
    Fault("CHROM_SYNTAX", "CHROM", put(0, "chr,1")),
    Fault("CHROM_SYNTAX", "CHROM", put(0, "<chr1")),
    Fault("CHROM_SYNTAX", "CHROM", put(0, "")),
    Fault("POS_SYNTAX", "POS", put(1, ".")),
    Fault("POS_SYNTAX", "POS", put(1, "-5")),
    Fault("POS_SYNTAX", "POS", put(1, "1e3")),
    Fault("POS_SYNTAX", "POS", put(1, "")),
    Fault("POS_ZERO", "POS", put(1, "0")),
    Fault("POS_ZERO", "POS", put(1, "00")),
    Fault("POS_ZERO", "POS", put(1, "000")),
    Fault("POS_RANGE", "POS", put(1, "2147483648")),
    Fault("POS_RANGE", "POS", put(1, "99999999999")),
    Fault("POS_RANGE", "POS", put(1, "9" * 40)),
    Fault("POS_PAST_END", "POS", put(1, "2000000")),
    Fault("POS_PAST_END", "POS", put(1, "200002")),
    Fault("POS_PAST_END", "POS", put(1, "2147483647")),
    Fault("ID_SYNTAX", "ID", put(2, "rs 1")),
    Fault("ID_SYNTAX", "ID", put(2, ";rs1")),
    Fault("ID_SYNTAX", "ID", put(2, "rs1;")),
    Fault("ID_SYNTAX", "ID", put(2, "")),
    Fault("ID_REPEATED", "ID", put(2, "rs1;rs1")),
    Fault("ID_REPEATED", "ID", put(2, "a;b;a")),
    Fault("ID_REPEATED", "ID", put(2, "x;y;z;y")),
    Fault("ID_COMMA", "ID", put(2, "rs1,rs2")),
    Fault("ID_COMMA", "ID", put(2, "a,b")),
    Fault("ID_COMMA", "ID", put(2, "rs1;b,c")),
    Fault("REF_SYNTAX", "REF", put(3, ".")),
    Fault("REF_SYNTAX", "REF", put(3, "R")),
    Fault("REF_SYNTAX", "REF", put(3, "A,C")),
    Fault("REF_SYNTAX", "REF", put(3, "")),
    Fault("REF_SYNTAX", "REF", put(3, "<A>")),
    Fault("ALT_SYNTAX", "ALT", put(4, "R")),
    Fault("ALT_SYNTAX", "ALT", put(4, "")),
    Fault("ALT_SYNTAX", "ALT", put(4, "A,,T")),
    Fault("ALT_SYNTAX", "ALT", put(4, "<DEL")),
    Fault("ALT_SYNTAX", "ALT", put(4, "A[chr1:5]")),
    Fault("ALT_SYNTAX", "ALT", put(4, "A B")),
    Fault("ALT_SAME_AS_REF", "ALT", same_alt),
    Fault("ALT_SAME_AS_REF", "ALT", two_alts("{0},{1}")),
    Fault("ALT_SAME_AS_REF", "ALT", two_alts("{1},{0}")),
    Fault("ALT_SAME_AS_REF", "ALT", lower_alt),
    Fault("ALT_REPEATED", "ALT", two_alts("{1},{1}")),
    Fault("ALT_REPEATED", "ALT", two_alts("{0}TT,{0}TT")),
    Fault("ALT_REPEATED", "ALT", two_alts("*,*")),
    Fault("ALT_MISSING_BESIDE", "ALT", two_alts("{1},.")),
    Fault("ALT_MISSING_BESIDE", "ALT", two_alts(".,{1}")),
    Fault("ALT_MISSING_BESIDE", "ALT", two_alts("*,.")),
    Fault("FIRST_BASE", "ALT", other_anchor),
    Fault("FIRST_BASE", "ALT", two_alts("{0}A,{1}{0}")),
    Fault("FIRST_BASE", "ALT", two_alts("{1}TT,{0}A")),
    Fault("ALT_SYMBOL", "ALT", put(4, "<XYZ:ME>")),
    Fault("ALT_SYMBOL", "ALT", put(4, "<deletion:big>")),
    Fault("ALT_SYMBOL", "ALT", put(4, "<DAL:TRE>")),
    Fault("ALT_UNDECLARED", "ALT", put(4, "<MYTYPE>")),
    Fault("ALT_UNDECLARED", "ALT", put(4, "<other>")),
    Fault("ALT_UNDECLARED", "ALT", put(4, "<INS:ME>"), OLD),
    Fault("QUAL_SYNTAX", "QUAL", put(5, "-1")),
    Fault("QUAL_SYNTAX", "QUAL", put(5, "high")),
    Fault("QUAL_SYNTAX", "QUAL", put(5, "")),
    Fault("QUAL_SYNTAX", "QUAL", put(5, "1,5")),
    Fault("FILTER_SYNTAX", "FILTER", put(6, "q10;")),
    Fault("FILTER_SYNTAX", "FILTER", put(6, ";q10")),
    Fault("FILTER_SYNTAX", "FILTER", put(6, "")),
    Fault("FILTER_SYNTAX", "FILTER", put(6, "q 10")),
    Fault("FILTER_ZERO", "FILTER", put(6, "0")),
    Fault("FILTER_ZERO", "FILTER", put(6, "q10;0")),
    Fault("FILTER_ZERO", "FILTER", put(6, "0;q10")),
    Fault("FILTER_REPEATED", "FILTER", put(6, "q10;q10")),
    Fault("FILTER_REPEATED", "FILTER", put(6, "q10;s50;q10")),
    Fault("FILTER_REPEATED", "FILTER", put(6, "PASS;PASS")),
    Fault("FILTER_PASS_BESIDE", "FILTER", put(6, "PASS;q10")),
    Fault("FILTER_PASS_BESIDE", "FILTER", put(6, "q10;PASS")),
    Fault("FILTER_PASS_BESIDE", "FILTER", put(6, ".;q10")),
    Fault("FILTER_UNDECLARED", "FILTER", put(6, "LowQual")),
    Fault("FILTER_UNDECLARED", "FILTER", put(6, "q10;x")),
    Fault("FILTER_UNDECLARED", "FILTER", put(6, "pass")),
]

INFO = [
    Fault("INFO_SYNTAX", "INFO", add(7, ";")),
    Fault("INFO_SYNTAX", "INFO", put(7, "")),
    Fault("INFO_SYNTAX", "INFO", add(7, ";;DB1")),
    Fault("INFO_SYNTAX", "INFO", add(7, ";=5")),
    Fault("INFO_SYNTAX", "INFO", add(7, ";.")),
    Fault("INFO_SYNTAX", "INFO", info("WORDS", "WORDS=a b"), "4.1 4.2"),
    Fault("INFO_SYNTAX", "INFO/DP", info("DP", "DP=")),
    Fault("INFO_KEY", "INFO/1DP", info("", "1DP=3"), LIST),
    Fault("INFO_KEY", "INFO/D P", info("", "D P=3"), LIST),
    Fault("INFO_KEY", "INFO/D%P", info("", "D%P"), "4.1 4.2 4.3 4.4 4.5"),
    Fault("INFO_REPEATED", "INFO/AN", add(7, ";AN=6")),
    Fault("INFO_REPEATED", "INFO/DB", info("DB", "DB;DB")),
    Fault("INFO_REPEATED", "INFO/DP", add(7, ";DP=7")),
    Fault("INFO_UNDECLARED", "INFO/MINE", info("", "MINE=3")),
    Fault("INFO_UNDECLARED", "INFO/NS", info("", "NS=3")),
    Fault("INFO_UNDECLARED", "INFO/flag", info("", "flag")),
    Fault("INFO_TYPE", "INFO/DP", info("DP", "DP=many")),
    Fault("INFO_TYPE", "INFO/DP", info("DP", "DP=3.5")),
    Fault("INFO_TYPE", "INFO/DP", info("DP", "DP")),
    Fault("INFO_TYPE", "INFO/DB", info("DB", "DB=1")),
    Fault("INFO_TYPE", "INFO/AF", info("AF", "AF=x")),
    Fault("INFO_TYPE", "INFO/LETTER", info("LETTER", "LETTER=xy")),
    Fault("INFO_TYPE", "INFO/PAIR", info("PAIR", "PAIR=1,a")),
    Fault("INFO_COUNT", "INFO/DP", info("DP", "DP=3,4")),
    Fault("INFO_COUNT", "INFO/AF", info("AF", "AF=0.1,0.2")),
    Fault("INFO_COUNT", "INFO/PAIR", info("PAIR", "PAIR=1,2,3")),
    Fault("INFO_COUNT", "INFO/PAIR", info("PAIR", "PAIR=1")),
    Fault("INFO_RANGE", "INFO/DP", info("DP", "DP=-3")),
    Fault("INFO_RANGE", "INFO/AF", info("AF", "AF=1.5")),
    Fault("INFO_RANGE", "INFO/AF", info("AF", "AF=-0.1")),
    Fault("INFO_RANGE", "INFO/AC", info("AC", "AC=-1")),
    Fault("INTEGER_RANGE", "INFO/DP", info("DP", "DP=2147483648")),
    Fault("INTEGER_RANGE", "INFO/DP", info("DP", "DP=-2147483648")),
    Fault("INTEGER_RANGE", "INFO/DP", info("DP", "DP=99999999999999999999999")),
    Fault("INFO_ALLELE", "INFO/CIGAR", info("CIGAR", "CIGAR=0.05")),
    Fault("INFO_ALLELE", "INFO/CIGAR", info("CIGAR", "CIGAR=M1")),
    Fault("INFO_ALLELE", "INFO/CIGAR", info("CIGAR", "CIGAR=1Q")),
    Fault("END_BEFORE_POS", "INFO/END", info("END", "END=1")),
    Fault("END_BEFORE_POS", "INFO/END", info("END", "END=0")),
    Fault("END_BEFORE_POS", "INFO/END", info("END", "END=99")),
]

GENOTYPE = [
    Fault("FORMAT_SYNTAX", "FORMAT", put(8, "GT::PL")),
    Fault("FORMAT_SYNTAX", "FORMAT", put(8, "GT:DP:")),
    Fault("FORMAT_SYNTAX", "FORMAT", put(8, "")),
    Fault("FORMAT_KEY", "FORMAT", put(8, "GT:D*P:PL")),
    Fault("FORMAT_KEY", "FORMAT", put(8, "GT:DP:P L")),
    Fault("FORMAT_KEY", "FORMAT", put(8, "GT:1DP:PL"), LIST),
    Fault("FORMAT_REPEATED", "FORMAT", put(8, "GT:DP:DP")),
    Fault("FORMAT_REPEATED", "FORMAT", put(8, "GT:GT:DP")),
    Fault("FORMAT_REPEATED", "FORMAT", put(8, "DP:PL:DP")),
    Fault("FORMAT_GT_FIRST", "FORMAT", gt_last),
    Fault("FORMAT_GT_FIRST", "FORMAT", gt_second),
    Fault("FORMAT_GT_FIRST", "FORMAT", gt_third),
    Fault("FORMAT_KEY_PERCENT", "FORMAT", put(8, "GT:D%3AP:PL"), LIST),
    Fault("FORMAT_KEY_PERCENT", "FORMAT", put(8, "GT:DP:P%20L"), LIST),
    Fault("FORMAT_KEY_PERCENT", "FORMAT", put(8, "GT:DP:P%2CL"), LIST),
    Fault("FORMAT_UNDECLARED", "FORMAT/MINE", key("MINE", "3")),
    Fault("FORMAT_UNDECLARED", "FORMAT/HQ", key("HQ", "3,4")),
    Fault("FORMAT_UNDECLARED", "FORMAT/x", key("x", "word")),
    Fault("SAMPLE_FIELDS", "FORMAT", add(-1, ":7")),
    Fault("SAMPLE_FIELDS", "FORMAT", add(-1, ":.:.")),
    Fault("SAMPLE_FIELDS", "FORMAT/GT", put(-1, ""), "4.1 4.2 4.3 4.4"),
    Fault("GT_SYNTAX", "FORMAT/GT", value("GT", "0\\1")),
    Fault("GT_SYNTAX", "FORMAT/GT", value("GT", "A/C")),
    Fault("GT_SYNTAX", "FORMAT/GT", value("GT", "0/|1")),
    Fault("GT_SYNTAX", "FORMAT/GT", value("GT", "0/")),
    Fault("GT_SYNTAX", "FORMAT/GT", value("GT", "01/-1")),
    Fault("GT_ALLELE_RANGE", "FORMAT/GT", value("GT", "0/9")),
    Fault("GT_ALLELE_RANGE", "FORMAT/GT", value("GT", "3|0")),
    Fault("GT_ALLELE_RANGE", "FORMAT/GT", value("GT", "0/99999999999")),
    Fault("GT_PHASE_MARK", "FORMAT/GT", value("GT", "|0/1"), OLD),
    Fault("GT_PHASE_MARK", "FORMAT/GT", value("GT", "/0/1"), OLD),
    Fault("GT_PHASE_MARK", "FORMAT/GT", value("GT", "|0|1"), OLD),
    Fault("FORMAT_TYPE", "FORMAT/DP", value("DP", "x")),
    Fault("FORMAT_TYPE", "FORMAT/DP", value("DP", "1.5")),
    Fault("FORMAT_TYPE", "FORMAT/PL", value("PL", "0,a,3")),
    Fault("FORMAT_COUNT", "FORMAT/DP", value("DP", "3,4")),
    Fault("FORMAT_COUNT", "FORMAT/PL", value("PL", "1,2")),
    Fault("FORMAT_COUNT", "FORMAT/EC", key("EC", "1,2")),
    Fault("FORMAT_RANGE", "FORMAT/DP", value("DP", "-4")),
    Fault("FORMAT_RANGE", "FORMAT/GP", key("GP", "0,0,1.5"), LIST),
    Fault("FORMAT_RANGE", "FORMAT/GP", key("GP", "-1,0,1"), LIST),
    Fault("INTEGER_RANGE", "FORMAT/DP", value("DP", "3000000000")),
]

DEL = "SVTYPE=DEL;SVLEN=9;SVCLAIM=D"
TR = "SVLEN=9;"
PSL = "DP:PSL"
STRUCTURAL = [
    Fault("SVTYPE_VALUE", "INFO/SVTYPE", info("SVTYPE", "SVTYPE=LOSS")),
    Fault("SVTYPE_VALUE", "INFO/SVTYPE", info("SVTYPE", "SVTYPE=del")),
    Fault("SVTYPE_VALUE", "INFO/SVTYPE", info("SVTYPE", "SVTYPE=DEL1")),
    Fault("SVLEN_MISSING", "INFO/SVLEN", info("SVLEN", "SVLEN=."), NEW),
    Fault("SVLEN_MISSING", "INFO/SVLEN", structural("<DEL>", "SVCLAIM=D"), NEW),
    Fault("SVLEN_MISSING", "INFO/SVLEN", structural("<DEL>,<DUP>", "SVLEN=3,.;SVCLAIM=D,J"), NEW),
    Fault("SVLEN_VALUE", "INFO/SVLEN", info("SVLEN", "SVLEN=-15"), NEW),
    Fault("SVLEN_VALUE", "INFO/SVLEN", structural("<DUP>", "SVLEN=-1;SVCLAIM=J"), NEW),
    Fault("SVLEN_VALUE", "INFO/SVLEN", structural("<DEL>,<DUP>", "SVLEN=3,-4;SVCLAIM=D,J"), NEW),
    Fault("SVLEN_COUNT", "INFO/SVLEN", info("SVLEN", "SVLEN=15,16"), NEW),
    Fault("SVLEN_COUNT", "INFO/SVLEN", structural("<DEL>,<DUP>", "SVLEN=3;SVCLAIM=D,J"), NEW),
    Fault("SVLEN_COUNT", "INFO/SVLEN", structural("<DEL>", "SVLEN=1,2,3;SVCLAIM=D"), NEW),
    Fault("SVCLAIM_MISSING", "INFO/SVCLAIM", info("SVCLAIM", "SVCLAIM=."), NEW),
    Fault("SVCLAIM_MISSING", "INFO/SVCLAIM", structural("<DEL>", "SVLEN=3"), NEW),
    Fault("SVCLAIM_MISSING", "INFO/SVCLAIM", structural("<DUP>", "SVLEN=3"), NEW),
    Fault("SVCLAIM_VALUE", "INFO/SVCLAIM", info("SVCLAIM", "SVCLAIM=X"), NEW),
    Fault("SVCLAIM_VALUE", "INFO/SVCLAIM", info("SVCLAIM", "SVCLAIM=JD"), NEW),
    Fault("SVCLAIM_VALUE", "INFO/SVCLAIM", info("SVCLAIM", "SVCLAIM=d"), NEW),
    Fault("INTERVAL_VALUE", "INFO/CIPOS", info("CIPOS", "CIPOS=5,10"), NEW),
    Fault("INTERVAL_VALUE", "INFO/CIPOS", info("CIPOS", "CIPOS=-10,-5"), NEW),
    Fault("INTERVAL_VALUE", "INFO/CIPOS", info("CIPOS", "CIPOS=5,-5"), NEW),
    Fault("INTERVAL_PRECISE", "INFO/CIPOS", structural("<DEL>", DEL + ";CIPOS=-5,5"), NEW),
    Fault("INTERVAL_PRECISE", "INFO/CIPOS", structural("<DEL>", "SVTYPE=DEL;CIPOS=0,5"), OLD),
    Fault("INTERVAL_PRECISE", "INFO/CIPOS", structural("<DEL>", "SVTYPE=DEL;CIPOS=-1,0"), OLD),
    Fault("END_BEFORE_POS", "INFO/END", info("END", "END=2")),
    Fault("BLOCK_WITHOUT_END", "INFO/END", structural("<NON_REF>", ".")),
    Fault("BLOCK_WITHOUT_END", "INFO/END", structural("<NON_REF>", "DP=3")),
    Fault("BLOCK_WITHOUT_END", "INFO/END", structural("<*>", ".")),
    Fault("REPEAT_COUNTS", "INFO/RUC", structural("<CNV:TR>", TR + "RUS=TT;RUC=2,2"), NEW),
    Fault("REPEAT_COUNTS", "INFO/RUS", structural("<CNV:TR>", TR + "RN=2;RUS=TT"), NEW),
    Fault("REPEAT_COUNTS", "INFO/CIRB", structural("<CNV:TR>", TR + "RUS=AT;RB=30;CIRB=-1"), NEW),
    Fault("REPEAT_COUNTS", "INFO/RUB", structural("<CNV:TR>", TR + "RUS=AT;RUC=3;RUB=2,2"), NEW),
    Fault("REPEAT_VALUE", "INFO/RUS", structural("<CNV:TR>", TR + "RB=30"), NEW),
    Fault("REPEAT_VALUE", "INFO/RUS", structural("<CNV:TR>", TR + "RUS=XX"), NEW),
    Fault("REPEAT_VALUE", "INFO/RUL", structural("<CNV:TR>", TR + "RUS=CAG;RUL=2"), NEW),
    Fault("REPEAT_VALUE", "INFO/CIRUC", structural("<CNV:TR>", TR + "RUS=AT;RUC=3;CIRUC=1,2"), NEW),
    Fault("CN_LENGTHS", "FORMAT/CN", structural("<DEL>,<DUP>", "SVLEN=3,4;SVCLAIM=D,D", "GT:CN", "0/1:2"), NEW),
    Fault("CN_LENGTHS", "FORMAT/CN", structural("<CNV>,<DEL>", "SVLEN=1,2;SVCLAIM=D,D", "GT:CN", "0/1:2"), NEW),
    Fault("CN_LENGTHS", "FORMAT/CN", structural("<DUP>,<CNV>", "SVLEN=5,2;SVCLAIM=J,D", "CN", "3"), NEW),
    Fault("PHASE_SET_LISTS", "FORMAT/PSO", structural("<DEL>", DEL, "GT:PSL:PSO", "0|1:.,.:1,2"), NEW),
    Fault("PHASE_SET_LISTS", "FORMAT/PSL", structural("<DEL>", DEL, "GT:PSL", "0|1:a"), NEW),
    Fault("PHASE_SET_LISTS", "FORMAT/PSQ", structural("<DEL>", DEL, "GT:PSL:PSQ", "0|1:a,.:1,2"), NEW),
    Fault("LOCAL_ALLELES", "FORMAT/LAA", structural("<DEL>", DEL, "GT:LAA", "0/1:2"), "4.5"),
    Fault("LOCAL_ALLELES", "FORMAT/LAA", structural("<DEL>", DEL, "GT:LAA", "0/1:1,1"), "4.5"),
    Fault("LOCAL_ALLELES", "FORMAT/LAA", structural("<DEL>", DEL, "GT:LAA", "0/1:0"), "4.5"),
]
"""Put into a file whose header declares every key and symbol they use."""


class HeaderFault(NamedTuple):
    """`old` in the first header line that begins with `line` becomes `new`; an empty `line` adds `new` at the end."""

    code: str
    field: str
    line: str
    old: str
    new: str
    versions: str = "4.1 4.2 4.3 4.4 4.5"


DP = "##INFO=<ID=DP"
HEADER = [
    HeaderFault("FILEFORMAT_MISSING", "##fileformat", "##fileformat", "##fileformat", "##format"),
    HeaderFault("FILEFORMAT_MISSING", "##fileformat", "##fileformat", "##fileformat", "!##fileformat"),
    HeaderFault("FILEFORMAT_MISSING", "##fileformat", "##fileformat", "##fileformat=", "##FileFormat="),
    HeaderFault("FILEFORMAT_VERSION", "##fileformat", "##fileformat", "VCFv", "VCF"),
    HeaderFault("FILEFORMAT_VERSION", "##fileformat", "##fileformat", "VCFv", "VCFv "),
    HeaderFault("FILEFORMAT_VERSION", "##fileformat", "##fileformat", "VCFv", "vcfv"),
    HeaderFault("FILEFORMAT_REPEATED", "##fileformat", "", "", "##fileformat=VCFv4.2"),
    HeaderFault("META_SYNTAX", "", "", "", "##just words"),
    HeaderFault("META_SYNTAX", "", "", "", "# a comment"),
    HeaderFault("META_SYNTAX", "##empty", "", "", "##empty="),
    HeaderFault("META_SYNTAX", "INFO/DP", DP, ">", ""),
    HeaderFault("META_SYNTAX", "##INFO", DP, "##INFO=<", "##INFO="),
    HeaderFault("META_QUOTES", "INFO/DP", DP, 'Depth"', "Depth"),
    HeaderFault("META_QUOTES", "INFO/DP", DP, "Depth", 'The "depth" here'),
    HeaderFault("META_QUOTES", "INFO/DP", DP, "Depth", "broken\nline"),
    HeaderFault("META_ID_MISSING", "##INFO", "##INFO=<ID=LETTER", "ID=LETTER,", ""),
    HeaderFault("META_ID_MISSING", "##FILTER", "##FILTER", "ID=q10,", "ID=,"),
    HeaderFault("META_ID_MISSING", "##contig", "", "", "##contig=<length=5>"),
    HeaderFault("META_ID_SYNTAX", "##contig", "", "", "##contig=<ID=a b>"),
    HeaderFault("META_ID_SYNTAX", "INFO/1X", "", "", '##INFO=<ID=1X,Number=1,Type=Integer,Description="x">', LIST),
    HeaderFault("META_ID_SYNTAX", "FILTER/0", "", "", '##FILTER=<ID=0,Description="x">'),
    HeaderFault("META_ID_REPEATED", "INFO/DP", "", "", '##INFO=<ID=DP,Number=1,Type=Integer,Description="x">'),
    HeaderFault("META_ID_REPEATED", "##contig", "", "", "##contig=<ID=chr1>"),
    HeaderFault("META_ID_REPEATED", "FILTER/q10", "", "", '##FILTER=<ID=q10,Description="x">'),
    HeaderFault("META_KEY_MISSING", "INFO/DP", DP, ",Number=1", ""),
    HeaderFault("META_KEY_MISSING", "INFO/DP", DP, ',Description="Depth"', ""),
    HeaderFault("META_KEY_MISSING", "FILTER/q10", "##FILTER", ',Description="Quality below 10"', ""),
    HeaderFault("META_KEY_REPEATED", "INFO/DP", DP, "Number=1", "Number=1,Number=1"),
    HeaderFault("META_KEY_REPEATED", "FILTER/q10", "##FILTER", "ID=q10", "ID=q10,ID=q10"),
    HeaderFault("META_KEY_REPEATED", "##contig", "", "", "##contig=<ID=x,length=1,length=2>"),
    HeaderFault("META_KEY_ORDER", "INFO/DP", DP, "ID=DP,Number=1", "Number=1,ID=DP"),
    HeaderFault("META_KEY_ORDER", "INFO/DP", DP, "Number=1,Type=Integer", "Type=Integer,Number=1"),
    HeaderFault("META_KEY_ORDER", "FORMAT/DP", "##FORMAT=<ID=DP", "ID=DP,Number=1", "Number=1,ID=DP"),
    HeaderFault("META_NUMBER", "INFO/DP", DP, "Number=1", "Number=N"),
    HeaderFault("META_NUMBER", "INFO/DP", DP, "Number=1", "Number=-1"),
    HeaderFault("META_NUMBER", "FORMAT/DP", "##FORMAT=<ID=DP", "Number=1", "Number=one"),
    HeaderFault("META_TYPE", "INFO/DP", DP, "Integer", "Int"),
    HeaderFault("META_TYPE", "INFO/WORDS", "##INFO=<ID=WORDS", "String", "string"),
    HeaderFault("META_TYPE", "FORMAT/NOTE", "##FORMAT=<ID=NOTE", "String", "Flag"),
    HeaderFault("META_DESCRIPTION", "INFO/DP", DP, '"Depth"', "Depth"),
    HeaderFault("META_DESCRIPTION", "FILTER/q10", "##FILTER", '"Quality below 10"', "Quality"),
    HeaderFault("META_DESCRIPTION", "ALT/DEL", "##ALT", '"Deletion"', "Deletion"),
    HeaderFault("META_VALUE", "##contig", "", "", "##contig=<ID=chr,9>"),
    HeaderFault("META_VALUE", "##contig", "", "", "##contig=<ID=x,length=ten>"),
    HeaderFault("META_VALUE", "##PEDIGREE", "", "", "##PEDIGREE=<ID=a,Father=some body>", LIST),
    HeaderFault("FLAG_NUMBER", "INFO/MINE", "", "", '##INFO=<ID=MINE,Number=1,Type=Flag,Description="x">'),
    HeaderFault("FLAG_NUMBER", "INFO/MINE", "", "", '##INFO=<ID=MINE,Number=.,Type=Flag,Description="x">'),
    HeaderFault("FLAG_NUMBER", "INFO/MINE", "", "", '##INFO=<ID=MINE,Number=A,Type=Flag,Description="x">'),
    HeaderFault("PREDEFINED_NUMBER", "INFO/AC", "##INFO=<ID=AC", "Number=A", "Number=1"),
    HeaderFault("PREDEFINED_NUMBER", "INFO/AF", "##INFO=<ID=AF", "Number=A", "Number=."),
    HeaderFault("PREDEFINED_NUMBER", "FORMAT/PL", "##FORMAT=<ID=PL", "Number=G", "Number=3"),
    HeaderFault("PREDEFINED_TYPE", "INFO/DP", DP, "Integer", "Float"),
    HeaderFault("PREDEFINED_TYPE", "FORMAT/GT", "##FORMAT=<ID=GT", "String", "Integer"),
    HeaderFault("PREDEFINED_TYPE", "INFO/DB", "##INFO=<ID=DB", "Flag", "String"),
    HeaderFault("ALT_TYPE", "ALT/XYZ:ME", "", "", '##ALT=<ID=XYZ:ME,Description="x">'),
    HeaderFault("ALT_TYPE", "ALT/MEI:ALU", "", "", '##ALT=<ID=MEI:ALU,Description="x">'),
    HeaderFault("ALT_TYPE", "ALT/DEL1", "", "", '##ALT=<ID=DEL1,Description="x">', "4.1 4.2"),
    HeaderFault("META_VALUES", "##META", "", "", "##META=<ID=x,Type=String,Number=.,Values=a b>", LIST),
    HeaderFault("META_VALUES", "##META", "", "", "##META=<ID=x,Type=Int,Number=.,Values=[a]>", LIST),
    HeaderFault("META_VALUES", "##META", "", "", "##META=<ID=x,Type=String,Number=2,Values=[a]>", LIST),
    HeaderFault("SAMPLE_GENOMES", "##SAMPLE", "", "", "##SAMPLE=<ID=x,Assay=y>", "4.1 4.2"),
    HeaderFault("SAMPLE_GENOMES", "##SAMPLE", "", "", '##SAMPLE=<ID=x,Genomes=g,Description="d">', "4.1 4.2"),
    HeaderFault(
        "SAMPLE_GENOMES", "##SAMPLE", "", "", '##SAMPLE=<ID=x,Genomes="g",Mixture=1,Description="d">', "4.1 4.2"
    ),
    HeaderFault("URL_SYNTAX", "##assembly", "##assembly", "https://example.org/assembly.fa", ""),
    HeaderFault("URL_SYNTAX", "##pedigreeDB", "##pedigreeDB", "https://example.org/pedigree", "<>"),
    HeaderFault("URL_SYNTAX", "##pedigreeDB", "##pedigreeDB", "https://example.org/pedigree", "two words"),
    HeaderFault("NO_REFERENCE", "##reference", "##reference", "##reference=file:///ref.fa", "##x=1"),
    HeaderFault("BLANK_LINE", "", "", "", ""),
    HeaderFault("CONTROL_CHARACTER", "", DP, "Depth", "De\x07pth"),
]


def apply_to_header(vcf: Vcf, fault: HeaderFault) -> int | None:
    """Change the header; the line of the finding, 1-based, null where the whole file is meant."""
    if not fault.line:
        vcf.meta.append(fault.new)
        return len(vcf.meta)
    at = vcf.meta_line(fault.line)
    assert fault.old in vcf.meta[at]
    vcf.meta[at] = vcf.meta[at].replace(fault.old, fault.new, 1)
    return None if fault.code == "NO_REFERENCE" else at + 1

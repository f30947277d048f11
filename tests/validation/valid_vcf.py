"""Valid files, made here, into which tests put single faults."""

import random
from dataclasses import dataclass, field

VERSIONS = ("4.1", "4.2", "4.3", "4.4", "4.5")

META = [
    "##fileformat=VCFv{version}",
    "##reference=file:///ref.fa",
    "##assembly=https://example.org/assembly.fa",
    "##pedigreeDB=https://example.org/pedigree",
    "##contig=<ID=chr1,length=100000>",
    "##contig=<ID=chr2,length=200000>",
    '##FILTER=<ID=q10,Description="Quality below 10">',
    '##FILTER=<ID=s50,Description="Less than half of the samples, \\"have\\" data">',
    '##ALT=<ID=DEL,Description="Deletion">',
    '##ALT=<ID=DUP,Description="Duplication">',
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">',
    '##INFO=<ID=AN,Number=1,Type=Integer,Description="Alleles">',
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency, of ALT">',
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##INFO=<ID=END,Number=1,Type=Integer,Description="End">',
    '##INFO=<ID=DB,Number=0,Type=Flag,Description="In dbSNP">',
    '##INFO=<ID=CIGAR,Number=A,Type=String,Description="Alignment">',
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type">',
    '##INFO=<ID=SVLEN,Number={svlen},Type=Integer,Description="Length">',
    '##INFO=<ID=CIPOS,Number={cipos},Type=Integer,Description="Interval">',
    '##INFO=<ID=IMPRECISE,Number=0,Type=Flag,Description="Imprecise">',
    '##INFO=<ID=PAIR,Number=2,Type=Float,Description="Two of ours">',
    '##INFO=<ID=LETTER,Number=1,Type=Character,Description="One of ours">',
    '##INFO=<ID=WORDS,Number=.,Type=String,Description="Some of ours">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">',
    '##FORMAT=<ID=GP,Number=G,Type=Float,Description="Probabilities">',
    '##FORMAT=<ID=EC,Number=A,Type=Integer,Description="Expected counts">',
    '##FORMAT=<ID=NOTE,Number=1,Type=String,Description="One of ours">',
]
STRUCTURED = [
    "##META=<ID=Assay,Type=String,Number=.,Values=[WholeGenome, Exome]>",
    '##SAMPLE=<ID=S1,Assay=WholeGenome,Description="Patient, one">',
    "##PEDIGREE=<ID=S3,Father=S1,Mother=S2>",
]
SYMBOLS = ["CNV", "CNV:TR", "NON_REF", "*"]
NEW_KEYS = [("INFO", "RN", "A", "Integer"), ("INFO", "RUS", ".", "String"), ("INFO", "RUL", ".", "Integer"),
            ("INFO", "RUC", ".", "Float"), ("INFO", "RB", ".", "Integer"), ("INFO", "RUB", ".", "Integer"),
            ("INFO", "CIRUC", ".", "Float"), ("INFO", "CIRB", ".", "Integer")]  # fmt: skip
NEW_KEYS += [("FORMAT", "CN", "1", "Float"), ("FORMAT", "PSL", "P", "String"), ("FORMAT", "PSO", "P", "Integer"),
             ("FORMAT", "PSQ", "P", "Integer")]  # fmt: skip
CLAIM = '##INFO=<ID=SVCLAIM,Number=A,Type=String,Description="Claim">'
SAMPLES = ["S1", "S2", "S3"]


@dataclass
class Vcf:
    """A file as lists: `meta` lines, the column line's names, and the columns of each record."""

    version: str
    meta: list[str]
    columns: list[str]
    records: list[list[str]] = field(default_factory=list)

    def text(self) -> str:
        lines = [*self.meta, "\t".join(self.columns), *("\t".join(r) for r in self.records)]
        return "\n".join(lines) + "\n"

    def line_of(self, record: int) -> int:
        """The line of a record, 1-based."""
        return len(self.meta) + 2 + record

    def meta_line(self, beginning: str) -> int:
        """The index of the first header line that begins so."""
        return next(i for i, line in enumerate(self.meta) if line.startswith(beginning))


def make(version: str, seed: int, number: int = 60) -> Vcf:
    """A file without any finding."""
    pick = random.Random(seed)
    new = version >= "4.4"
    meta = [
        m.format(version=version, svlen="A" if new else ".", cipos="." if new else "2") if "{" in m else m for m in META
    ]
    meta += (STRUCTURED if version >= "4.3" else []) + ([CLAIM] if new else [])
    meta += [f'##ALT=<ID={symbol},Description="One of ours">' for symbol in SYMBOLS]
    keys = NEW_KEYS * new + [("FORMAT", "LAA", ".", "Integer")] * (version >= "4.5")
    meta += [f'##{kind}=<ID={key},Number={n},Type={t},Description="Theirs">' for kind, key, n, t in keys]
    vcf = Vcf(version, meta, ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *SAMPLES])
    pos = 100
    for i in range(number):
        if i == number // 2:
            pos = 100
        pos += pick.randint(20, 200)
        contig = "chr1" if i < number // 2 else "chr2"
        vcf.records.append(_structural(contig, pos, new) if i % 12 == 5 else _small(contig, pos, i, pick))
    return vcf


def _small(contig: str, pos: int, i: int, pick: random.Random) -> list[str]:
    ref = pick.choice("ACGT")
    other = [b for b in "ACGT" if b != ref]
    alts = [pick.choice(other)] if i % 4 else pick.sample(other, 2)
    if i % 5 == 3:
        ref, alts = ref + "CA", [ref]
    called = [[pick.randint(0, len(alts)) for _ in range(2)] for _ in SAMPLES]
    if len(alts) > 1:
        called[0] = [1, 2]
    every = [a for pair in called for a in pair]
    counts = ",".join(str(every.count(k)) for k in range(1, len(alts) + 1))
    frequencies = ",".join(f"{every.count(k) / 6:.3f}" for k in range(1, len(alts) + 1))
    info = f"AC={counts};AF={frequencies};AN=6;DP={pick.randint(3, 99)}" + (";DB" if i % 3 else "")
    info += f";PAIR=0.5,{pick.random():.2f};LETTER=x;WORDS=a,b|c" if i % 2 else ""
    likelihoods = ",".join(str(pick.randint(0, 99)) for _ in range((len(alts) + 1) * (len(alts) + 2) // 2))
    cells = [f"{a}{pick.choice('/|')}{b}:{pick.randint(1, 40)}:{likelihoods}" for a, b in called]
    qual, filters = pick.choice(["12.5", "60", "3e1"]), pick.choice(["PASS", "PASS", "q10", "q10;s50"])
    return [contig, str(pos), f"rs{i}" if i % 3 else ".", ref, ",".join(alts), qual, filters, info, "GT:DP:PL", *cells]


def _structural(contig: str, pos: int, new: bool) -> list[str]:
    length = "15" if new else "-15"
    info = f"SVTYPE=DEL;END={pos + 15};SVLEN={length};IMPRECISE;CIPOS=-5,5" + (";SVCLAIM=DJ" if new else "")
    return [contig, str(pos), ".", "A", "<DEL>", ".", "PASS", info, "GT:DP", "0/1:3", "0/0:4", "./.:."]

"""A gene is counted for what an entry says of that gene, not for what another entry of the record says."""

from pathlib import Path

from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.registry import tool

HEADER = """##fileformat=VCFv4.2
##contig=<ID=1,length=1000>
##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
"""
RECORDS = [
    "1\t10\t.\tA\tC\t.\tPASS\tCSQ=C|missense_variant|MODERATE|ONE,C|intron_variant|MODIFIER|TWO\n",
    "1\t20\t.\tA\tC\t.\tPASS\tCSQ=C|missense_variant&splice_region_variant|MODERATE|TWO\n",
    "1\t30\t.\tA\tC\t.\tPASS\tCSQ=C|intron_variant|MODIFIER|ONE\n",
]


def test_genes_of_a_consequence(tmp_path: Path) -> None:
    file = tmp_path / "genes.vcf"
    file.write_text(HEADER + "".join(RECORDS))
    data = OpenDataset(ingest(file, tmp_path / "workspace"), tmp_path / "workspace")
    context = ToolContext(tmp_path / "workspace", [data])
    asked = {"by": "gene", "consequences": ["missense_variant"]}
    assert tool("group_variants").call(context, asked).value == {"ONE": 1, "TWO": 1}
    assert tool("group_variants").call(context, {"by": "gene"}).value == {"ONE": 2, "TWO": 2}
    largest = tool("group_variants").call(context, {**asked, "top": 1})
    assert len(largest.value) == 1
    assert "1 more with as many as the last one shown" in largest.reading

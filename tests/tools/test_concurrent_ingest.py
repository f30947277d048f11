"""Several processes write to one workspace at the same moment, some of them with files that cannot be read."""

import subprocess
import sys
from pathlib import Path

from vcf_agent.memory.catalog import Catalog

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
READ = """
import sys
from pathlib import Path
from vcf_agent.memory.errors import InputError
from vcf_agent.tools.ingest import ingest
try:
    ingest(Path(sys.argv[1]), Path(sys.argv[2]))
    print("read")
except InputError:
    print("refused")
"""


def test_a_failure_takes_nothing_back_that_another_has_committed(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    lines = {
        "bad": "1\tabc\t.\tA\tC\t.\t.\t.\n",
        "good": "1\t10\t.\tA\tC\t.\t.\t.\n",
        "fine": "1\t20\t.\tA\tC\t.\t.\t.\n",
    }
    children = []
    for name, line in lines.items():
        file = tmp_path / f"{name}.vcf"
        file.write_text(HEADER + line)
        command = [sys.executable, "-c", READ, str(file), str(workspace)]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    assert [child.communicate(timeout=60)[0].strip() for child in children] == ["refused", "read", "read"]
    assert {d.name for d in Catalog(workspace).datasets()} == {"good", "fine"}

"""The command line through its own `main`, and in processes of its own where that matters."""

import gzip
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pysam.bcftools
import pytest
from done import Done
from vcf_agent.tools.graph_load import write_graph
from vcf_agent.ui.cli import main

RUN = [sys.executable, "-m", "vcf_agent.ui.cli"]
PASSING = 1770
COMMANDS = ["ask", "chat", "ingest", "datasets", "validate", "tools", "tool", "doctor"]
HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000>
##FILTER=<ID=low,Description="Low">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
RECORD = "chr1\t{pos}\t.\tA\tC\t50\tPASS\t.\tGT\t0/1\t0/0\n"
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def ready(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that holds the example."""
    folder = tmp_path_factory.mktemp("ready") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vcf_agent.tools.graph_load.write_graph", lambda *_: None)
        with pytest.raises(SystemExit) as ended:
            main(["ingest", str(example), "--workspace", str(folder)])
    assert not ended.value.code
    return folder


def one_line(done: Done) -> str:
    """The error: one line on stderr, no traceback."""
    assert done.err.startswith("vcf-agent: "), done
    assert done.err.count("\n") == 1, done.err
    assert "Traceback" not in done.err
    assert len(done.err) < 1100
    assert CONTROLS.findall(done.err.rstrip("\n")) == []
    return done.err


def objects(text: str) -> list[Any]:
    """JSON values one after another."""
    found, decoder, text = [], json.JSONDecoder(), text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


def files_below(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


# Every command.


def test_ask(cli: Any, example: Path, ready: Path) -> None:
    done = cli("ask", "How many variants pass all filters?", example, "--workspace", ready)
    assert (done.code, done.err) == (0, "")
    assert "1,770 of the 2,000 records" in done.out
    assert "bcftools view -H -f PASS" in done.out
    assert "✓ verified" in done.out or "✓ re-run" in done.out
    assert "FILTER = PASS" in done.out


def test_ask_json(cli: Any, example: Path, ready: Path) -> None:
    done = cli("ask", "How many variants pass all filters?", example, "--json", "--workspace", ready)
    assert (done.code, done.err) == (0, "")
    [answer] = objects(done.out)
    assert (answer["kind"], answer["value"], answer["unit"], answer["model"]) == (
        "answer",
        PASSING,
        "records",
        "offline",
    )
    assert [e["verified"] for e in answer["evidence"]] == [True]


@pytest.mark.parametrize(
    ("question", "code", "kind"),
    [
        ("Is there a variant on chrX with QUAL above 1e9?", 0, "answer"),
        ("How many variants have depth over 30?", 0, "clarification"),
        ("What is the meaning of life?", 0, "refusal"),
        ("How many variants are het in DEVV?", 2, "error"),
        ("How many variants on chr99?", 2, "error"),
        ("", 2, "error"),
    ],
)
def test_the_exit_code_of_each_kind(cli: Any, ready: Path, question: str, code: int, kind: str) -> None:
    done = cli("ask", question, "--dataset", "cohort", "--json", "--workspace", ready)
    [answer] = objects(done.out)
    assert (done.code, answer["kind"]) == (code, kind), answer["text"]
    if code:
        assert answer["text"].split(".")[0] in one_line(done)
        plain = cli("ask", question, "--dataset", "cohort", "--workspace", ready)
        assert (plain.code, plain.out) == (2, "")
        one_line(plain)
    else:
        assert done.err == ""


def test_a_session_goes_on(cli: Any, ready: Path) -> None:
    common = ("--dataset", "cohort", "--workspace", ready, "--session", "mine", "--json")
    first = objects(cli("ask", "How many SNPs?", *common).out)[0]
    second = objects(cli("ask", "and only PASS?", *common).out)[0]
    assert (first["session"], second["session"]) == ("mine", "mine")
    assert second["value"] < first["value"]


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("How many variants are in my target regions?", "inside"),
        ("How many variants fall in the panel BED?", "inside"),
        ("How many variants lie outside of the blacklist?", "outside"),
        ("How many variants are there excluding the blacklisted regions?", "outside"),
        ("How many variants are in mine.bed?", "inside"),
    ],
)
def test_a_bed_that_comes_with_the_question(
    cli: Any, example: Path, ready: Path, tmp_path: Path, question: str, part: str
) -> None:
    bed = tmp_path / "mine.bed"
    bed.write_text("chr7\t117480000\t117668000\nchr17\t0\t8000000\n")
    option = ["-T", str(bed)] if part == "inside" else ["-T", f"^{bed}"]
    expected = pysam.bcftools.view("-H", "--targets-overlap", "1", *option, str(example)).count("\n")
    [answer] = objects(cli("ask", question, example, "--bed", bed, "--workspace", ready, "--json").out)
    assert answer["value"] == expected, answer
    assert answer["evidence"][0]["verified"] is True


def test_files_that_are_not_there_are_errors(cli: Any, example: Path, ready: Path) -> None:
    for option in ("--bed", "--ped", "--reference"):
        done = cli("ask", "How many variants?", example, option, "nothing.ped", "--workspace", ready)
        assert done.code == 2
        assert "nothing.ped" in one_line(done)


def test_chat(cli: Any, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("How many SNPs?\nhow many apples\nand only PASS?\n"))
    done = cli("chat", "--dataset", "cohort", "--workspace", ready)
    assert done.code == 0
    assert "1,687 of the 2,000" in done.out
    assert done.out.count("> ") == 4
    assert re.search(r"vcf-agent chat --session [0-9a-f]{32}", done.out)


def test_chat_goes_on_after_an_error(cli: Any, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("How many variants are het in DEVV?\nHow many variants?\n\nnot read\n")
    )
    done = cli("chat", "--dataset", "cohort", "--workspace", ready)
    assert done.code == 0
    assert "DEVV" in one_line(done)
    assert "2,000 records" in done.out


def test_ingest_and_datasets(cli: Any, example: Path, tmp_path: Path) -> None:
    assert "holds no file" in cli("datasets").out
    assert objects(cli("datasets", "--json").out) == [[]]
    done = cli("ingest", example)
    assert (done.code, done.out, done.err) == (0, "cohort: 2,000 records, 6 samples\n", "")
    assert cli("ingest", example, "--again").code == 0
    [[row]] = objects(cli("datasets", "--json").out)
    assert (row["name"], row["records"], row["samples"], row["build"]) == ("cohort", 2000, 6, "GRCh38")
    assert len(row["sha256"]) == 64
    assert "cohort" in cli("datasets").out
    assert objects(cli("ingest", example, "--json").out)[0][0]["records"] == 2000


def test_the_same_file_is_not_read_twice(cli: Any, example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("ingest", example).code == 0
    before = {p: (Path("workspace") / p).stat().st_mtime_ns for p in files_below(Path("workspace")) if "tables" in p}
    assert cli("ask", "How many variants?", example).code == 0
    after = {p: (Path("workspace") / p).stat().st_mtime_ns for p in files_below(Path("workspace")) if "tables" in p}
    assert after == before


def test_validate(cli: Any, example: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.vcf"
    bad.write_text(HEADER + COLUMNS + RECORD.format(pos="ten"))
    done = cli("validate", example)
    assert (done.code, done.err) == (0, "")
    done = cli("validate", example, bad, "--json")
    assert (done.code, done.err) == (1, "")
    verdicts = objects(done.out)
    assert [v["valid"] for v in verdicts] == [True, False]
    for verdict in verdicts:
        assert verdict.keys() >= {"file", "valid", "version", "records", "findings", "counts", "truncated"}
        assert verdict["counts"].keys() == {"error", "warning"}
        for finding in verdict["findings"]:
            assert finding.keys() == {"code", "severity", "line", "field", "message", "fix"}
    assert verdicts[1]["counts"]["error"] > 0
    assert not (tmp_path / "workspace").exists()


def test_tools(cli: Any) -> None:
    every = objects(cli("tools", "--json").out)[0]
    names = [t["name"] for t in every]
    assert "count_variants" in names
    assert all(name in cli("tools").out for name in names)
    [one] = objects(cli("tools", "count_variants").out)
    assert one["parameters"]["additionalProperties"] is False


def test_tool(cli: Any, example: Path, ready: Path) -> None:
    done = cli("tool", "count_variants", example, "--args", '{"filters": ["PASS"]}', "--json", "--workspace", ready)
    assert done.code == 0
    [result] = objects(done.out)
    assert (result["value"], result["evidence"][0]["verified"]) == (PASSING, True)
    done = cli("tool", "count_variants", example, "--args", '{"filters": ["PASS"]}', "--workspace", ready)
    assert "1,770" in done.out


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("nothing", "{}"),
        ("count_variants", "{"),
        ("count_variants", "[]"),
        ("count_variants", '{"unknown": 1}'),
        ("count_variants", '{"filters": "PASS"}'),
        ("count_variants", '{"filters": ["PAS"]}'),
        ("count_variants", '{"regions": ["chr1:9-1"]}'),
        ("genotypes_at", "{}"),
    ],
)
def test_a_tool_call_that_is_wrong(cli: Any, ready: Path, name: str, arguments: str) -> None:
    done = cli("tool", name, "--dataset", "cohort", "--args", arguments, "--workspace", ready)
    assert done.code == 2
    one_line(done)


def test_doctor(cli: Any, ready: Path) -> None:
    done = cli("doctor", "--workspace", ready)
    assert (done.code, done.err) == (0, "")
    assert all(line.startswith("ok ") for line in done.out.splitlines())
    checks = objects(cli("doctor", "--json", "--workspace", ready).out)[0]
    assert {c["check"] for c in checks} >= {"python", "bcftools", "workspace", "models"}


def test_doctor_says_no(cli: Any) -> None:
    done = cli("doctor", "--workspace", "/proc/nowhere")
    assert done.code == 1
    assert "FAIL" in done.out


def test_version_and_help(cli: Any) -> None:
    assert re.match(r"vcf-agent, version \d", cli("--version").out)
    for arguments in (["--help"], ["-h"], *([c, "--help"] for c in COMMANDS)):
        done = cli(*arguments)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Usage: vcf-agent")


def test_without_a_command_the_help_is_readable(cli: Any) -> None:
    done = cli()
    assert "Usage: vcf-agent" in done.out + done.err
    assert (done.out + done.err).count("\n") > 10


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["ask"],
        ["ask", "--nothing", "x"],
        ["--nothing"],
        ["validate"],
        ["ingest"],
        ["tool"],
        ["ask", "q", "--model"],
    ],
    ids=" ".join,
)
def test_wrong_usage(cli: Any, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "--help" in one_line(done)


# Bad input: one line, exit 2, nothing written.


def pdf(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")


def plain_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress((HEADER + COLUMNS + RECORD.format(pos=5)).encode()))


def truncated(path: Path) -> None:
    whole = path.with_suffix(".whole")
    whole.write_text(HEADER + COLUMNS + "".join(RECORD.format(pos=n) for n in range(1, 30_000)))
    pysam.tabix_compress(str(whole), str(path), force=True)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


BAD: dict[str, Callable[[Path], object]] = {
    "missing.vcf": lambda path: None,
    "folder.vcf": lambda path: path.mkdir(),
    "pdf.vcf": pdf,
    "empty.vcf": lambda path: path.touch(),
    "empty.vcf.gz": lambda path: path.touch(),
    "plain_gzip.vcf.gz": plain_gzip,
    "truncated.vcf.gz": truncated,
    "header_only.vcf": lambda path: path.write_text(HEADER + COLUMNS),
    "no_header.vcf": lambda path: path.write_text(RECORD.format(pos=5)),
    "no_column_line.vcf": lambda path: path.write_text(HEADER + RECORD.format(pos=5)),
    "bad_pos.vcf": lambda path: path.write_text(HEADER + COLUMNS + RECORD.format(pos=5) + RECORD.format(pos="ten")),
    "negative_pos.vcf": lambda path: path.write_text(HEADER + COLUMNS + RECORD.format(pos=-5)),
    "short_line.vcf": lambda path: path.write_text(HEADER + COLUMNS + "chr1\t5\t.\tA\n"),
    "html.vcf": lambda path: path.write_text("<!DOCTYPE html><html><body>404</body></html>"),
    "binary.vcf": lambda path: path.write_bytes(bytes(range(256)) * 40),
    "dangling.vcf": lambda path: path.symlink_to("nowhere"),
    "device.vcf": lambda path: path.symlink_to("/dev/null"),
    "pipe.vcf": lambda path: os.mkfifo(path),
    "bad.bcf": lambda path: path.write_bytes(b"BCF\2\2" + b"\0" * 40),
    "evil\x1b[31m\nname.vcf": lambda path: path.write_text("x"),
}


@pytest.mark.parametrize("name", BAD, ids=[re.sub(r"\W", "_", n) for n in BAD])
@pytest.mark.parametrize("command", ["ask", "ingest"])
def test_bad_input(cli: Any, tmp_path: Path, command: str, name: str) -> None:
    path = tmp_path / name
    BAD[name](path)
    before = files_below(tmp_path)
    question = ["How many variants?"] if command == "ask" else []
    done = cli(command, *question, path)
    assert (done.code, done.out) == (2, ""), done
    message = one_line(done)
    assert name.split("\x1b", maxsplit=1)[0] in message
    assert "Errno" not in message
    assert files_below(tmp_path) == before


def test_bad_input_among_good_keeps_the_good(cli: Any, tmp_path: Path) -> None:
    """Nothing of the bad one stays, and the one before it is whole."""
    good = tmp_path / "good.vcf"
    good.write_text(HEADER + COLUMNS + RECORD.format(pos=5))
    done = cli("ingest", good, tmp_path / "missing.vcf")
    assert done.code == 2
    assert "missing.vcf" in one_line(done)
    assert [row["name"] for row in objects(cli("datasets", "--json").out)[0]] in ([], ["good"])
    assert cli("doctor").code == 0


def test_nothing_is_added_to_a_workspace_by_bad_input(cli: Any, tmp_path: Path, ready: Path) -> None:
    truncated(tmp_path / "t.vcf.gz")
    before = files_below(ready)
    assert cli("ask", "How many variants?", tmp_path / "t.vcf.gz", "--workspace", ready).code == 2
    assert files_below(ready) == before
    assert [row["name"] for row in objects(cli("datasets", "--json", "--workspace", ready).out)[0]] == ["cohort"]


@pytest.mark.parametrize("workspace", ["/proc/nowhere", "/dev/null", "a_file", "a_file/below", ""], ids=repr)
def test_a_workspace_that_cannot_be(cli: Any, example: Path, workspace: str) -> None:
    Path("a_file").write_text("x")
    done = cli("ask", "How many variants?", example, "--workspace", workspace)
    assert (done.code, done.out) == (2, "")
    one_line(done)
    assert Path("a_file").read_text() == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(cli: Any, example: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    done = cli("ask", "How many variants?", example, "--workspace", tmp_path / "locked" / "workspace")
    assert done.code == 2
    assert "locked" in one_line(done)


def test_a_full_disk(example: Path, tmp_path: Path) -> None:
    """Files may not grow beyond 40 kB, which is what the table needs more than; the rest of the disk is as it was."""
    limit = 40_000
    done = subprocess.run(
        [*RUN, "ask", "How many variants?", str(example)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2, done.stderr
    one_line(Done(done.returncode, done.stdout, done.stderr))
    listed = subprocess.run([*RUN, "datasets", "--json"], capture_output=True, text=True)
    assert json.loads(listed.stdout) == []


def test_an_unknown_model(cli: Any, ready: Path) -> None:
    if not find_spec("litellm"):
        pytest.skip("LiteLLM is not installed")
    for name, said in {"opnai/gpt-4o": "openai", "gpt-4o": "provider/model", "a b": "provider/model"}.items():
        done = cli("ask", "How many variants?", "--dataset", "cohort", "--model", name, "--workspace", ready)
        assert (done.code, done.out) == (2, ""), name
        assert said in one_line(done)


def test_an_unknown_dataset(cli: Any, ready: Path) -> None:
    done = cli("ask", "How many variants?", "--dataset", "cohrt", "--workspace", ready)
    assert done.code == 2
    assert "cohort" in one_line(done)


@pytest.mark.parametrize(
    "text", ["models = [", "nothing = 1", "max_turns = 0", 'models = ["gpt"]', "verify_seconds = 'x'"]
)
def test_a_broken_settings_file(
    cli: Any, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    monkeypatch.setenv("VCF_AGENT_SETTINGS", str(path))
    done = cli("ask", "How many variants?", example)
    assert (done.code, done.out) == (2, "")
    assert "settings.toml" in one_line(done)
    assert not (tmp_path / "workspace").exists()
    done = cli("doctor")
    assert done.code == 1
    assert "settings.toml" in done.out


def test_a_name_that_is_not_there_offers_the_nearest(cli: Any, ready: Path) -> None:
    for question, near in {
        "How many variants are het in DEVV?": "DEV",
        "How many variants in the gene BRAC1?": "BRCA1",
    }.items():
        done = cli("ask", question, "--dataset", "cohort", "--workspace", ready)
        assert done.code == 2
        assert near in one_line(done)


def test_the_other_naming_of_a_contig(cli: Any, ready: Path) -> None:
    done = cli("ask", "How many variants in 7:55000000-56000000?", "--dataset", "cohort", "--workspace", ready)
    assert done.code == 0
    assert re.search("the file calls 7 chr7", done.out)


# Something broke.


def test_a_bug_is_one_line_and_exit_3(cli: Any, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("boom\x1b[31m\nsecond line")

    monkeypatch.setattr("vcf_agent.agent.session.VariantAgent.ask", broken)
    done = cli("ask", "How many variants?", "--dataset", "cohort", "--workspace", ready)
    assert (done.code, done.out) == (3, "")
    assert "boom" in one_line(done)
    with pytest.raises(RuntimeError):
        main(["--debug", "ask", "How many variants?", "--dataset", "cohort", "--workspace", str(ready)])


def test_a_catalog_that_is_no_catalog(cli: Any, example: Path, tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "catalog.sqlite").write_text("this is no database, but it is long enough to be read" * 20)
    done = cli("ask", "How many variants?", example)
    assert done.code in (2, 3)
    assert "workspace" in one_line(done)


def test_a_table_that_is_gone(cli: Any, example: Path, tmp_path: Path) -> None:
    import shutil

    assert cli("ingest", example).code == 0
    shutil.rmtree(tmp_path / "workspace" / "tables")
    done = cli("ask", "How many variants pass?", example)
    assert done.code == 0 or (done.code in (2, 3) and one_line(done))
    if done.code == 0:
        assert "1,770" in done.out


# Processes.


def test_help_imports_nothing_heavy() -> None:
    code = "from vcf_agent.ui.cli import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}
    heavy = {
        "litellm",
        "lancedb",
        "chainlit",
        "langgraph",
        "langchain_core",
        "pyarrow",
        "kuzu",
        "pysam",
        "numpy",
        "pydantic",
        "rich",
    }
    assert "click" in imported
    assert imported & heavy == set()


FORBID = """\
import socket, sys
def forbidden(*a, **k):
    sys.stderr.write("NETWORK\\n")
    raise OSError("the network is forbidden")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = forbidden
"""


def test_no_network_without_a_key(example: Path, ready: Path, tmp_path: Path) -> None:
    """With sockets forbidden from the start of the process: offline alone, and with a model whose key is not set."""
    (tmp_path / "sitecustomize.py").write_text(FORBID)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    probe = [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"]
    assert "NETWORK" in subprocess.run(probe, env=environ, capture_output=True, text=True).stderr
    for model in ([], ["--model", "openai/gpt-4o-mini"]):
        command = [
            *RUN,
            "ask",
            "How many variants pass all filters?",
            str(example),
            "--json",
            "--workspace",
            str(ready),
            *model,
        ]
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        answer = json.loads(done.stdout)
        assert (answer["value"], answer["model"]) == (PASSING, "offline")
        assert len(answer["fallbacks"]) == len(model) // 2


def test_importing_opens_no_socket_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FORBID)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    before = files_below(tmp_path)
    code = "import vcf_agent.agent.session, vcf_agent.agent.loop, vcf_agent.ui.cli"
    done = subprocess.run([sys.executable, "-B", "-c", code], env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["tools", "--json"],
        ["ask", "list all variants", "--dataset", "cohort", "--json"],
        ["ask", "list all variants", "--dataset", "cohort"],
    ],
    ids=["tools", "ask --json", "ask"],
)
def test_a_reader_that_leaves(ready: Path, arguments: list[str]) -> None:
    """As with `| head -1`: nothing on stderr, no traceback, whatever is left to write."""
    command = [*RUN, *arguments, *([] if arguments[0] == "tools" else ["--workspace", str(ready)])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert (process.wait(), err) == (0, "")


def test_head_takes_one_line(ready: Path) -> None:
    line = f"{sys.executable} -m vcf_agent.ui.cli tools | head -1; echo ${{PIPESTATUS[0]}} >&2"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == "0\n"


def test_interrupted(ready: Path) -> None:
    command = [*RUN, "chat", "--dataset", "cohort", "--workspace", str(ready)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr and process.stdin
        assert "cohort" in process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert "Traceback" not in process.stderr.read()


def test_ascii_terminals_get_an_answer(ready: Path) -> None:
    """A C locale without UTF-8: no UnicodeEncodeError for a check mark."""
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
    command = [*RUN, "ask", "How many variants pass?", "--dataset", "cohort", "--workspace", str(ready)]
    done = subprocess.run(command, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"1,770" in done.stdout


# What a file says stays off the terminal.


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "evil\x1b[31m.vcf"
    note = "\x1b[31mred\x07\x9b2J\u202e"
    header = HEADER + f'##INFO=<ID=NOTE,Number=1,Type=String,Description="{note}">\n##source={note}\n'
    columns = COLUMNS.replace("S1", f"S1{note}")
    path.write_text(header + columns + f"chr1\t5\trs1{note}\tA\tC\t50\tPASS\tNOTE={note}\tGT\t0/1\t0/0\n")
    return path


@pytest.mark.parametrize("shape", [[], ["--json"]], ids=["text", "json"])
def test_no_control_character_of_a_file_is_printed(cli: Any, hostile: Path, shape: list[str]) -> None:
    """JSON escapes those below 0x20 by itself; 0x9b is an escape to many terminals too."""
    questions = [
        "describe the file",
        "list all variants",
        "genotypes at chr1:5",
        "what does NOTE mean",
        "which samples are there?",
    ]
    for question in questions:
        done = cli("ask", question, hostile, *shape)
        assert done.code == 0, done
        assert CONTROLS.findall(done.out + done.err) == [], question
    for arguments in (["validate", hostile], ["datasets"], ["ingest", hostile, "--again"], ["doctor"]):
        done = cli(*arguments, *shape)
        assert CONTROLS.findall(done.out + done.err) == [], arguments
    done = cli("ask", "How many variants are het in S1\x1b[31mred?", hostile, *shape)
    assert CONTROLS.findall(done.out + done.err) == []


def test_a_pedigree_tells_who_is_affected(
    cli: Any, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vcf_agent.tools.graph_load.write_graph", write_graph)
    ped, stored, other = example.with_name("family.ped"), tmp_path / "stored", tmp_path / "other"
    question = "Which genes have HIGH impact variants in 1 or more affected samples?"
    assert cli("ingest", example, "--ped", ped, "--workspace", stored).code == 0
    kept = cli("ask", question, example, "--workspace", stored, "--json")
    given = cli("ask", question, example, "--workspace", other, "--ped", ped, "--json")
    assert kept.code == given.code == 0
    assert objects(kept.out)[0]["value"] == objects(given.out)[0]["value"] != []
    unknown = cli("ask", question, example, "--workspace", other)
    assert unknown.code == 2
    assert "--ped" in one_line(unknown)
    (tmp_path / "bad.ped").write_text("F A 0 0\n")
    bad = cli("ingest", example, "--ped", tmp_path / "bad.ped", "--workspace", stored)
    assert bad.code == 2
    assert "line 1" in one_line(bad)

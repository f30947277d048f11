"""Files that a question names are found in allowed folders alone."""

from pathlib import Path

import pytest
from vcf_agent.agent import VariantAgent
from vcf_agent.agent.settings import load_settings
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.context import ToolContext

BED = "chr7\t0\t200000000\n"


@pytest.fixture
def places(tmp_path: Path, example: Path, opened) -> ToolContext:
    """A conversation in `here`, with a workspace, a further folder `also`, and a folder outside of them."""
    for name in ("here", "also", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.bed").write_text(BED)
    (tmp_path / "here" / "link.bed").symlink_to(tmp_path / "outside" / "outside.bed")
    (tmp_path / "here" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "here" / "loop.bed").symlink_to("loop.bed")
    (tmp_path / "here" / "own.bed").symlink_to("here.bed")
    context = opened(example)
    context.folder, context.folders = tmp_path / "here", (tmp_path / "also",)
    return context


@pytest.mark.parametrize("name", ["here.bed", "./here.bed", "own.bed", "folder/../here.bed", "../also/also.bed"])
def test_what_lies_inside_is_read(places, run, name):
    if name.startswith("folder"):
        name = "../here/here.bed"
    assert run(places, "count_variants", inside_bed=name).value == 256


@pytest.mark.parametrize(
    "name",
    ["../outside/outside.bed", "link.bed", "folder/outside.bed", "/etc/passwd", "../../../../../../etc/passwd",
     "loop.bed", "here.bed\0", "nothing.bed", "folder", ".", "", "~/x.bed", "a" * 5000],
)  # fmt: skip
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("count_variants", lambda name: {"inside_bed": name}),
        ("make_file", lambda name: {"operations": [{"op": "label", "bed": name, "field": "X"}]}),
        ("make_file", lambda name: {"operations": [{"op": "left_align"}], "reference": name}),
        ("make_file", lambda name: {"operations": [{"op": "add_ids", "source": name}]}),
        ("compare_groups", lambda name: {"groups_file": name}),
        ("validate_file", lambda name: {"reference": name}),
        ("make_consensus", lambda name: {"sample": "DEV", "reference": name}),
    ],
    ids=["BED", "label", "left_align", "add_ids", "groups", "validate", "consensus"],
)
def test_what_lies_outside_is_not(places, run, tool, arguments, name):
    with pytest.raises(ToolError) as refused:
        run(places, tool, **arguments(name))
    assert "root:" not in str(refused.value)
    assert not list((places.workspace / "exports").glob("*"))


def test_the_settings_name_folders(tmp_path, example, workspace):
    (tmp_path / "also").mkdir()
    (tmp_path / "also" / "a.bed").write_text(BED)
    settings = load_settings(workspace, environ={"VCF_AGENT_FOLDERS": str(tmp_path / "also")})
    with VariantAgent(example, settings=settings) as agent:
        assert agent.context.file(str(tmp_path / "also" / "a.bed"), "the BED").name == "a.bed"
        with pytest.raises(ToolError, match="outside of the folders"):
            agent.context.file(str(tmp_path / "workspace" / ".." / "b.bed"), "the BED")


@pytest.mark.parametrize("name", ["../out.vcf.gz", "/tmp/out.vcf.gz", "a/b.vcf.gz", ".", "x\0.vcf.gz", "-o.vcf.gz"])
def test_new_files_have_plain_names(places, run, name):
    with pytest.raises(ToolError):
        run(places, "make_file", name=name, operations=[{"op": "sort"}])


def test_nothing_is_overwritten(places, run):
    made = run(places, "make_file", name="one.vcf.gz", prove=False).files[0]
    before = Path(made).read_bytes()
    with pytest.raises(ToolError, match="nothing is overwritten"):
        run(places, "make_file", name="one.vcf.gz", operations=[{"op": "drop_genotypes"}], prove=False)
    assert Path(made).read_bytes() == before


def test_exports_that_lead_elsewhere_are_not_written(places, run, tmp_path):
    (places.workspace / "exports").symlink_to(tmp_path / "outside")
    with pytest.raises(ToolError, match="link"):
        run(places, "make_file", name="x.vcf.gz")
    listed = run(places, "list_variants")
    assert listed.files == []
    assert "could not be written to a file" in listed.reading[-1]
    assert [p.name for p in (tmp_path / "outside").iterdir()] == ["outside.bed"]

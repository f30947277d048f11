"""Long work tells how far it is, and ends when it is told to, leaving nothing behind."""

import threading
import time

import pytest
from vcf_agent.agent import VariantAgent
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import Stopped
from vcf_agent.memory.progress import Watch, watched
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.validation.validate import validate


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("make_file", {"operations": [{"op": "sort"}]}, "bytes written"),
        ("make_file", {"format": "tsv"}, "rows written"),
        ("missingness", {}, "rows read"),
        ("relatedness", {}, "rows read"),
        ("count_variants", {"genotypes": [{"genotype": "het", "how_many": "at_least", "n": 3}]}, "rows read"),
    ],
)
def test_progress_is_told_and_a_stop_obeyed(opened, run, example, name, arguments, told):
    heard, context = [], opened(example)
    with watched(Watch(lambda what, done, total: heard.append((what, done, total)))):
        run(context, name, **arguments)
    assert told in {what for what, _, _ in heard}
    assert all(done >= 0 and (total is None or done <= total) for _, done, total in heard)
    made = sorted((context.workspace / "exports").glob("*"))
    watch = Watch(lambda *_: watch.stop())
    with watched(watch), pytest.raises(Stopped, match="stopped before its end"):
        run(context, name, **arguments)
    assert sorted((context.workspace / "exports").glob("*")) == made
    run(context, name, **arguments)


def test_a_stop_from_another_thread_ends_a_child_that_says_nothing(opened, run, example, monkeypatch):
    """The work waits for bcftools alone, which is ended at once."""
    context = opened(example)
    watch = Watch()
    monkeypatch.setattr("vcf_agent.tools.evidence._run", lambda *_: _endless())
    timer = threading.Timer(0.3, watch.stop)
    start = time.monotonic()
    with watched(watch), pytest.raises(Stopped):
        timer.start()
        run(context, "count_variants", filters=["PASS"])
    assert time.monotonic() - start < 5


def _endless():
    from vcf_agent.tools import bcftools

    with bcftools.stream(["view"], feed=_never()) as output:
        return output.read()


def _never():
    yield b"##fileformat=VCFv4.2\n"
    while True:
        time.sleep(0.05)
        yield b"##note=one more\n"


def test_a_question_that_is_stopped_is_an_error_and_no_answer(example, workspace):
    with VariantAgent(example, model="offline", workspace=workspace) as agent:
        watch = Watch()
        watch.stop()
        with watched(watch):
            answer = agent.ask("How many variants pass all filters?")
        assert (answer.kind, answer.value) == ("error", None)
        assert "stopped" in answer.text
        assert agent.ask("How many variants pass all filters?").kind == "answer"


def test_an_ingest_that_is_stopped_leaves_nothing(example, workspace, tmp_path, monkeypatch):
    """In this process and in one of its own; a second run finishes it."""
    for large in (1 << 40, 0):
        monkeypatch.setattr("vcf_agent.tools.ingest.LARGE", large)
        watch = Watch()
        heard = []
        watch.tell = lambda *told, w=watch, h=heard: (h.append(told), w.stop())
        if not large:
            with watched(watch), pytest.raises(Stopped):
                ingest(example, workspace)
            assert heard
        else:
            watch.stop()
            with watched(watch), pytest.raises(Stopped):
                ingest(example, workspace)
        assert Catalog(workspace).datasets() == []
    assert ingest(example, workspace).summary["records"] == 2000


def test_a_validation_that_is_stopped(example):
    heard = []
    watch = Watch(lambda *told: heard.append(told))
    with watched(watch):
        validate(example)
    assert heard == [("records checked", 2000, None)]
    watch.stop()
    with watched(watch), pytest.raises(Stopped):
        validate(example)
    assert validate(example).valid

"""Answers about files that could not be ingested: whether they are valid, and what stands in the way."""

import time
from collections.abc import Sequence
from pathlib import Path

from ..memory.errors import InputError
from ..tools import explain_finding, validate_file
from ..tools.explain_finding import ExplainFinding
from ..tools.result import ToolResult
from ..tools.text import one_line
from ..tools.validate_file import ValidateFile
from ..tools.vcf_file import sha256_of
from .answer import Answer, render, results_as_answer
from .validity_questions import Asked, validity_question


def answer_unopened(question: str, files: Sequence[Path], why: str) -> Answer | None:
    """The validator's answer, its value by file where there are several.

    Null where the question is not about validity, or a file is not there.
    `why` is what the reader said of the first file that it could not take.
    """
    for file in files:
        question = question.replace(file.name, "this file")
    asked = validity_question(question)
    if asked is None or not all(file.expanduser().is_file() for file in files):
        return None
    start = time.perf_counter()
    try:
        results = [_ask(file.expanduser(), asked) for file in files]
    except (InputError, OSError):
        return None
    reading = [f"the file was not ingested, so only the validator has seen it: {one_line(why)}"]
    answer = results_as_answer(results, render(results), reading)
    if len(files) > 1:
        answer.value = {file.name: result.value for file, result in zip(files, results, strict=True)}
    answer.elapsed_s = round(time.perf_counter() - start, 4)
    return answer


def _ask(file: Path, asked: Asked) -> ToolResult:
    tool, arguments = asked
    if tool == "explain_finding":
        wanted = ExplainFinding(**arguments)
        return explain_finding.result_of(file, sha256_of(file), file.name, Path.cwd(), wanted)
    return validate_file.result_of(file, sha256_of(file), file.name, Path.cwd(), ValidateFile(**arguments))

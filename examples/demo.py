"""Ask the bundled example cohort a handful of questions, in a workspace of its own that is removed afterwards."""

import sys
import tempfile
from pathlib import Path

from vcf_agent.agent import VariantAgent
from vcf_agent.evals.cases import load_cases
from vcf_agent.ui.terminal import ingest_progress, print_answer

COHORT = Path(__file__).parent / "cohort" / "cohort.vcf.gz"


def main() -> int:
    with tempfile.TemporaryDirectory() as workspace, ingest_progress() as progress:
        agent = VariantAgent(COHORT, workspace=workspace, model="offline", on_progress=progress)
        with agent:
            answers = []
            for case in load_cases("example_cohort"):
                print(f"\n> {case.question}")
                answers.append(agent.ask(case.question))
                print_answer(answers[-1])
    proved = sum(all(e.verified for e in a.evidence) and a.kind == "answer" for a in answers)
    print(
        f"\n{len(answers)} questions: {proved} answered and proved by bcftools, "
        f"{sum(a.kind == 'clarification' for a in answers)} asked back."
    )
    return 0 if all(a.kind in ("answer", "clarification") for a in answers) else 1


if __name__ == "__main__":
    sys.exit(main())

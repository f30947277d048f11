"""Plain questions for a picture, and the figure that the answer carries."""

import json

import pytest
from vcf_agent.agent import VariantAgent
from vcf_agent.agent.planner import Call, Decline, plan
from vcf_agent.tools.context import ToolContext

PICTURES = {
    "Plot the Ti/Tv ratio": {"picture": "titv"},
    "draw a bar chart of the substitution types": {"picture": "substitutions"},
    "Show me a histogram of indel sizes": {"picture": "indel_sizes"},
    "histogram of the indel lengths for PASS variants": {"picture": "indel_sizes", "filters": ["PASS"]},
    "Plot the QUAL distribution": None,
    "plot the distribution of QUAL": {"picture": "quality"},
    "Draw a histogram of depth": {"picture": "depth"},
    "Plot INFO/DP": {"picture": "depth", "of": "site"},
    "Plot FORMAT/DP": {"picture": "depth", "of": "sample"},
    "Draw the allele frequency spectrum": {"picture": "spectrum"},
    "plot variant density along the chromosomes": {"picture": "density"},
    "Plot missingness per sample": {"picture": "missingness"},
    "plot the missing genotypes by site": {"picture": "missingness", "of": "site"},
    "chart heterozygosity per sample": {"picture": "heterozygosity"},
    "Draw a PCA coloured by family": {"picture": "pca", "colour_by": "family"},
    "Draw the carriers of variants in CFTR": {"picture": "carriers", "genes": ["CFTR"]},
    "Draw a unicorn": None,
    "Plot the Ti/Tv ratio of unicorns": None,
}


@pytest.mark.parametrize("question", PICTURES)
def test_pictures(cohort: ToolContext, question: str) -> None:
    made, expected = plan(question, cohort), PICTURES[question]
    if expected is None:
        assert isinstance(made, Decline), made
    else:
        assert isinstance(made, Call), made
        assert (made.tool, made.arguments) == ("draw", expected)


def test_an_answer_carries_the_figure(tmp_path, example) -> None:
    with VariantAgent(example, workspace=tmp_path / "w") as agent:
        answer = agent.ask("Draw a histogram of indel sizes for PASS variants")
    told = json.loads(json.dumps(answer.to_json()))
    assert told["kind"] == "answer"
    (figure,) = told["figures"]
    assert (figure["name"], set(figure["figure"])) == ("indel_sizes", {"data", "layout"})
    assert figure["figure"]["data"][0]["y"] == [row[1] for row in told["tables"][0]["rows"]]
    assert told["evidence"][0]["verified"] is True
    assert figure["alt"] in answer._repr_mimebundle_()["text/html"]

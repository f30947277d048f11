"""From a question to one tool call, by rule. What is not wholly understood is not answered."""

import re
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process

from ..memory.errors import ToolError
from ..tools.context import ToolContext
from ..tools.dataset import OpenDataset, nearest
from .conditions import read_conditions
from .graph_questions import graph_arguments
from .phrases import Ambiguous, Conditions, Text, read_text, words
from .picture_questions import picture_asked
from .samples import NAMES
from .validity_questions import validity_question

Json = Any


@dataclass
class Call:
    """A tool call, with remarks on how the question was read."""

    tool: str
    arguments: dict[str, Json]
    reading: list[str] = field(default_factory=list)


@dataclass
class AskBack:
    """A question back, with ways to say each reading."""

    question: str
    choices: list[str]


@dataclass
class Decline:
    """What cannot be answered, and why; `offers_help` where a list of what can be asked helps.

    `unknown_name` where the question names something that the file does not have.
    """

    reason: str
    offers_help: bool = True
    unknown_name: bool = False


Plan = Call | AskBack | Decline
UNCLEAR = Decline("I could not tell what is asked.")

CAN = (
    "I can say whether a file is valid and what an error message means, describe a file (samples, contigs, build, "
    "annotation, fields), count, list and group variants by region, gene, "
    "ID, type, consequence, impact, FILTER, QUAL, depth, frequency, significance and genotypes, give statistics such as "
    "Ti/Tv or per-sample counts, show genotypes at a position, list the values of a field, find the variants most like "
    "one, and tell who carries variants in a gene, which genes are hit in several affected samples, and which samples "
    "share the most rare variants."
)


LONGEST = 600
"""Characters of a question that rules can read; a person's questions are far shorter."""


def plan(question: str, context: ToolContext, last: Call | None = None) -> Plan:
    """The tool call that answers a question; a question back where it has two readings; else why not.

    `last` is the call before, which a question such as `and only PASS?` narrows down.
    """
    if declined := _unsafe(_without_names(question, context)):
        return declined
    try:
        data, question = _dataset(question, context)
    except (Ambiguous, ToolError) as unclear:
        asked = validity_question(question[:LONGEST])
        if asked and asked[0] == "explain_finding":  # which needs no file
            return Call(*asked)
        if isinstance(unclear, ToolError):
            raise
        return AskBack(unclear.question, unclear.choices)
    if len(question) > LONGEST:
        return Decline(f"The question has over {LONGEST} characters; ask it in fewer words.", offers_help=False)
    if asked := validity_question(question):
        return _on(data, Call(*asked), context)
    text = read_text(question, data)
    try:
        made = _follow_up(text, data, last) or _first(text, data)
        return _checked(made, text, data, context)
    except Ambiguous as two:
        return AskBack(two.question, two.choices)
    except ToolError as error:
        return Decline(str(error), offers_help=False, unknown_name=True)


def _checked(made: Plan, text: Text, data: OpenDataset, context: ToolContext) -> Plan:
    """A call only where every word was understood."""
    left = text.leftover()
    if left and (unknown := _unknown_name(text.question, left, data)):
        return unknown
    if left and (not isinstance(made, Decline) or made is UNCLEAR):
        return Decline(f"I did not understand {_quoted(left)} in the question, so I do not answer it by halves.")
    return _on(data, made, context) if isinstance(made, Call) else made


def _on(data: OpenDataset, call: Call, context: ToolContext) -> Call:
    """The call, which names its file where several are open."""
    if len(context.datasets) > 1:
        call.arguments["dataset"] = data.name
    return call


_NAMED = re.compile(
    r"(?:(?:does|do|did|is) (?P<a>[\w.-]+) (?:carry|have|carrying|a carrier)|genotypes? (?:of|for) (?P<b>[\w.-]+)"
    r"|(?:carried|het\w*|hom\w*|missing|private|absent) (?:by|in|to|from|for) (?P<c>[\w.-]+))",
    re.IGNORECASE,
)
"""Places in a sentence where the name of a sample stands."""

_NO_NAMES = frozenset(
    "each every any all no some none not nobody anyone someone everyone the a an this that these those it they which "  # noqa: SIM905
    "both either neither at exactly more fewer only other others most two three sample samples".split()
)


def _unknown_name(question: str, left: list[str], data: OpenDataset) -> Decline | None:
    """What to say where a word that was not understood stands where a name should, or is nearly one."""
    known = [*data.samples, *(data.genes if data.annotated else []), *data.info]
    places = [next(g for g in m.groups() if g).strip("?.,!") for m in _NAMED.finditer(question)]
    for name in places:
        if name.lower() in left and name.lower() not in _NO_NAMES and name not in known and data.samples:
            hint = nearest(name, data.samples, "Its samples are")
            return Decline(f"{data.name} has no sample {name!r}. {hint}", offers_help=False, unknown_name=True)
    for word in left:
        close = None if word in known or word in _NO_NAMES else _nearly(word, word.upper() in question, known)
        if close:
            said = f"{data.name} has nothing called {word!r}. Did you mean {close}?"
            return Decline(said, offers_help=False, unknown_name=True)
    return None


def _nearly(word: str, capitals: bool, known: list[str]) -> str | None:
    """The name that a word nearly is; what is written in capitals is meant as a name."""
    if len(word) <= 3:
        return None
    cutoff = 70 if capitals else 82
    close = process.extractOne(word, known, processor=str.lower, scorer=fuzz.ratio, score_cutoff=cutoff)
    return close[0] if close else None


def _quoted(left: list[str]) -> str:
    """Words that were left over, those of asking only where there are no others."""
    telling = [w for w in left if w not in ("how", "many", "what", "which", "who", "list", "show", "count", "number")]
    return ", ".join(f"“{w}”" for w in (telling or left)[:6])


def _dataset(question: str, context: ToolContext) -> tuple[OpenDataset, str]:
    """The file that the question is about, and the question without its name."""
    if not context.datasets:
        context.dataset(None)
    named = {d.name: m for d in context.datasets if (m := _mention(question, d, len(context.datasets) > 1))}
    if len(named) > 1:
        raise Ambiguous("One file at a time: which is meant?", list(named))
    if not named and len(context.datasets) > 1:
        raise Ambiguous("Which file is meant?", [d.name for d in context.datasets])
    for data in context.datasets:
        if found := named.get(data.name):
            return data, question[: found.start()] + " " + question[found.end() :]
    return context.datasets[0], question


def _mention(question: str, data: OpenDataset, by_short_name: bool) -> re.Match[str] | None:
    """Where a question names a file, with the word before it."""
    names = [data.dataset.path.name, *([data.name] if by_short_name else [])]
    for name in names:
        if found := re.search(rf"(?:\b(?:in|of|from|does|is) )?(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", question):
            return found
    return None


_UNSAFE = [
    (r"\b(diagnos\w*|treat(ment|ed)?|therapy|prescri\w+|medication|dos(e|age)|surgery|prognosis|should (she|he|they|i|we|the patient))\b",
     "I do not give diagnoses or advice on treatment. A clinical geneticist can; I can show the variants with their "
     "recorded significance and the evidence for each number."),
    (r"\bacmg\b", "I do not classify variants by ACMG. I can show the ClinVar significance, consequence and frequencies "
     "that the file records."),
    (r"(/etc/|\.\./|\b(rm|sudo|curl|bash|shell|passwd)\b|\b(delete|remove|overwrite|erase|e-?mail|upload|send) )",
     "I only read the open files; I run no commands, delete, overwrite and send nothing."),
    (r"\b(re-?identif\w+|whose (genome|dna|file)|name of the (patient|person)|identity of)\b",
     "I do not try to tell who a sample is."),
]  # fmt: skip


def _without_names(question: str, context: ToolContext) -> str:
    """The question without the samples it names: a sample called `x; rm -rf /` is a name, not an order."""
    for name in sorted((s for d in context.datasets for s in d.samples), key=len, reverse=True):
        question = question.replace(name, " ")
    return question


def _unsafe(question: str) -> Decline | None:
    return next(
        (Decline(why, offers_help=False) for pattern, why in _UNSAFE if re.search(pattern, question, re.IGNORECASE)),
        None,
    )


def _first(text: Text, data: OpenDataset) -> Plan:
    """What the first maker that recognises its kind of question makes of it."""
    for make in (
        _draw, _similar, _describe, _statistics, _sample_statistics, _genotypes_at, _explore, _values, _group, _select,
    ):  # fmt: skip
        if made := make(text, data):
            return made
    return UNCLEAR


# Pictures.


def _draw(text: Text, data: OpenDataset) -> Plan | None:
    asked = picture_asked(text, data)
    return _call("draw", *asked) if asked else None


# What is most like a variant, or holds some words.

_ALLELE = r"(?P<place>§[ri]\d+)(?::(?P<ref>[a-z]+)[:>](?P<alt>[a-z*,<>]+))?"
_ALIKE = r"(?:most |the |very |is |are |that |which )*(?:similar to|like|nearest to|closest to|resembl(?:e|es|ing))(?: most)?"


def _similar(text: Text, data: OpenDataset) -> Plan | None:
    if found := text.take(r"(?:search|look)(?: for| up)?(?: the)?(?: text| words?)? (?P<quoted>§q\d+)"):
        return _call("find_similar", read_conditions(text, data), {"text": text.names[found["quoted"]]})
    found = text.take(rf"{_ALIKE}(?: the)?(?: variant)? {_ALLELE}")
    if found is None:
        return None
    allele = f":{found['ref']}:{found['alt']}".upper() if found["ref"] else ""
    wanted: dict[str, Json] = {"variant": text.names[found["place"]] + allele}
    text.take(rf"^\W*(?:{LIST})\b")
    if many := text.take(r"(?:top |first )?(?P<k>\d{1,2}|100)(?= (?:variants?|records?)\b|\W*$)"):
        wanted["k"] = int(many["k"])
    text.take(r"among(?: the| all| those)*")
    conditions = read_conditions(text, data)
    text.take(r"ones|most|the")
    conditions.found.pop("scope", None)
    return _call("find_similar", conditions, wanted)


# What the file is.

_ABOUT = [
    ("samples", r"(?:how many|what are the|which|what|list|name|number of|names of|show|who are)? ?(?:the |all )*(?:sample|individual|patient|people|person)s?(?: names?| ids?)?(?: are (?:there|in (?:it|this file|the file)))?(?:,? and (?:what|how) are they (?:called|named))?"),
    ("samples", r"who is(?: in (?:this|the) (?:file|vcf|cohort|dataset))?"),
    ("build", r"(?:which|what)?(?: is| are)?(?: the)? ?(?:genome |reference )*(?:build|assembly|reference(?: genome)?|genome version)(?: is| was)?(?: this| it| used| the file)*(?: on| aligned to)?(?:,? and (?:how do you know|why))?"),
    ("build", r"(?:is (?:this|it) )?(?:on )?(?:grch3[78]|hg19|hg38|b37)(?: or (?:grch3[78]|hg19|hg38|b37))?"),
    ("version", r"(?:what|which)?(?: is)?(?: the)? ?(?:vcf|file ?format|format) version(?: is (?:this|it))?|version of (?:the )?vcf(?: format)?"),
    ("annotation", r"(?:has|have|is|are)?(?: it| this| the)*(?: file| variants?)? ?(?:been )?annotated(?: (?:at all|by|with|how|using))?(?: vep,?| snpeff,?| bcftools csq| or)*|(?:what|which) (?:functional )?annotations?(?: (?:tool|software|does it (?:have|carry)|is there|are there))*|by (?:vep|snpeff)(?:,? (?:vep|snpeff|bcftools csq|or)*)*"),
    ("phasing", r"(?:are|is)?(?: the)? ?(?:genotypes?|calls?|data|file)? ?(?:un)?phased(?: or unphased)?|phasing"),
    ("gvcf", r"(?:is (?:this|it)(?: file)? )?(?:an? )?g\.?vcf|genomic vcf"),
    ("software", r"(?:what|which) (?:software|tools?|program|caller|pipeline|variant caller)(?: (?:was|were|has|have))?(?: used to| that)? ?(?:produced?|made|make|created?|called|generated?|wrote)?(?: (?:this|the|it))?|(?:how|by (?:what|which)) (?:was|were) (?:this|the|these) (?:file|vcf|variants) (?:made|produced|created|called|generated)"),
]  # fmt: skip

_FIELD_QUESTION = r"(?:what (?:does|is|do)|explain|describe|define|meaning of|what's)(?: the)?(?: (?:info|format|filter|field|meaning of))* (?P<name>§[fv]\d+|[a-z][\w/.]*)(?: (?:mean|field|stand for|filter|in this file))*"


def _describe(text: Text, data: OpenDataset) -> Plan | None:
    if text.whole(
        r"(?:what(?:'s| is)|describe|summari[sz]e|overview of|tell me about|give me an overview of|what do you know about)(?: in| of)? ?(?:this|the|it|my)? ?(?:file|vcf|dataset|cohort|data)?|overview|summary|describe it|what have we (?:got )?here",
    ):
        return Call("describe_file", {})
    found = re.fullmatch(rf"\W*{_FIELD_QUESTION}\W*", text.rest)
    if found and (name := _field_named(text, data, found["name"])):
        text.rest = ""
        return Call("describe_file", {"about": "fields", "field": name})
    if text.whole(
        r"(?:what|which|list|show|give)?(?: are| the| all| me)* ?(?:info|format)(?: and (?:info|format))? ?fields?(?: (?:does it have|are there|exist|it has))?|(?:what|which) fields (?:does it have|are there)|list (?:all )?(?:the )?fields",
    ):
        return Call("describe_file", {"about": "fields"})
    for about, pattern in _ABOUT:
        if about != "samples" and "how many" in text.rest:
            continue
        if text.whole(pattern):
            return Call("describe_file", {"about": about})
    return None


def _field_named(text: Text, data: OpenDataset, name: str) -> str | None:
    known = [f[1] for f in data.summary["fields"]] + list(data.summary["filter_descriptions"])
    bare = text.names.get(name, name).split("/")[-1]
    return next((k for k in known if k.lower() == bare.lower()), None)


# Numbers of the file as a whole.

_SITE_MEASURES = [
    ("ti_tv", r"(?:ti ?/ ?tv|ts ?/ ?tv|titv|tstv|transitions?(?: |/| to | over )+transversions?)(?: ratio)?"),
    ("substitutions", r"(?:transitions? and transversions? counts? by )?(?:base )?(?:substitution|base change)(?: types?)?s?(?: (?:counts?|spectrum|by type))*|counts? of each (?:substitution|base change)"),
    ("all", r"(?:(?:basic|summary|some|overall|variant|site|qc|general) )*(?:statistics|stats)(?: (?:of|for|on) (?:this|the) (?:file|vcf|cohort|dataset))?"),
]  # fmt: skip


def _statistics(text: Text, data: OpenDataset) -> Plan | None:
    before = text.rest
    _take_question_words(text)
    if text.whole(r"transition and transversion counts by substitution type"):
        return Call("site_statistics", {"measure": "substitutions"})
    for measure, pattern in _SITE_MEASURES:
        if text.whole(pattern):
            return Call("site_statistics", {"measure": measure})
    text.rest = before
    return None


def _take_question_words(text: Text) -> None:
    """Take the words a question begins with; they carry nothing where the rest names a measure or a grouping."""
    text.take(rf"^\W*(?:{COUNT}|what is|what's|what are|{LIST})\b(?: the\b)?")


# Numbers of each sample.

EACH = r"(?:per|by|for each|for every|of each|of every|across|(?<!in )each|does each|did each)(?: of the)? ?(?:samples?|individuals?|persons?|people|patients?)(?: have| carry| carries| has)?"
_SAMPLE_MEASURES = [
    ("het_hom_ratio", r"(?:het(?:erozygous)?(?: ?/ ?| to | over |-)hom(?:ozygous)?(?: alt)?)(?: ratios?)?"),
    ("missing_fraction", r"(?:fraction|proportion|rate|percentage|share)s? of (?:missing|uncalled)(?: genotypes?| calls?| data)?(?: is missing)?|(?:fraction|proportion|percentage) of (?:genotypes|calls)(?: is| are)? missing|missing(?:ness)? (?:rate|fraction)s?|missingness"),
    ("missing", r"(?:missing|uncalled|no-?call) (?:genotypes?|calls?)"),
    ("singletons", r"singletons?"),
    ("mean_depth", r"(?:mean|average|avg)(?: read| sequencing)? (?:depth|coverage|dp)"),
    ("hom_alt", r"(?:homozygous|hom)(?:[- ]alt(?:ernate|ernative)?)?(?: genotypes?| calls?| variants?| sites?)?"),
    ("het", r"het(?:erozygous)?s?(?: genotypes?| calls?| variants?| sites?)?"),
    ("carried", r"(?:variants?|records?|sites?)(?: carried)?"),
]  # fmt: skip


def _sample_statistics(text: Text, data: OpenDataset) -> Plan | None:
    """A measure of every sample, or one of those that only make sense for a sample."""
    before = text.rest
    whole = r"(?:per[- ]sample|sample) (?:statistics|stats|counts|summary|table)|(?:statistics|stats) (?:per|by|for each) sample"
    _take_question_words(text)
    if text.whole(whole):
        return Call("sample_statistics", {})
    each = text.take(EACH)
    named = None if each else text.take(rf"(?:in|of|for|does|do|did|is|are) (?P<who>{NAMES})(?: have| carry)?")
    for measure, pattern in _SAMPLE_MEASURES if each else _SAMPLE_MEASURES[:5]:
        if measure == "missing" and not (each or named):
            continue
        if text.take(pattern):
            text.take(r"(?:and )?per sample|carry|carried|(?:is |are )?(?:missing|there)|have|has")
            if not text.leftover("file_glue") and not (named and re.search(r"\bor\b", named[0])):
                wanted = {"samples": text.listed(named["who"])} if named else {}
                return Call("sample_statistics", {"measure": measure, **wanted})
            break
    text.rest = before
    return None


# Who has which genotype.

_PLACE = r"(?P<place>§[ri]\d+)"
_VARIANT = rf"(?:(?:the |variant |a |an |allele |alt |at |of |for |position |snp |mutation )*{_PLACE})"


def _genotypes_at(text: Text, data: OpenDataset) -> Plan | None:
    who = r"(?:who|which (?:of the )?(?:samples?|individuals?|people|patients?|ones?)|what samples?|list (?:the )?samples?(?: that)?|samples? (?:that|which|with))"
    with_gt = r"(?:,? (?:and )?with (?:which|what) genotypes?)?"
    if found := text.take(
        rf"(?:{who} (?:carr(?:y|ies)|ha(?:s|ve)|are carriers of|is a carrier of|are? carrying)|(?:the )?carriers of) {_VARIANT}{with_gt}"
    ):
        return _at(text, found["place"], [], "carriers")
    classes = (
        r"who is (?:missing|reference|het\w*|hom\w*)(?:,? (?:and |or )?who is (?:missing|reference|het\w*|hom\w*))+"
    )
    if text.take(classes) and (found := text.take(rf"(?:at|for|of|in) {_VARIANT}")):
        return _at(text, found["place"], [], "by_class")
    ask = r"(?:what (?:is|are)|show|give|list|print)?(?: me)?(?: the| all| every)*"
    if found := text.take(
        rf"{ask} ?genotypes?(?: calls?)?(?: (?:of|for|in|does) (?P<who>{NAMES}|all samples|every sample|each sample|everyone|all))?(?: have| has)?(?: (?:at|of|for)) {_VARIANT}(?: (?:in|of|for) (?P<who2>{NAMES}|all samples|every sample|each sample|everyone))?"
    ):
        return _at(text, found["place"], text.listed((found["who"] or "") + (found["who2"] or "")), "genotypes")
    if found := text.take(
        rf"(?:is )?{_VARIANT}(?: in (?:this|the) file)?,? and (?:what|which) genotypes? (?:does|do|has|have) (?P<who>{NAMES})(?: have)?"
    ):
        return _at(text, found["place"], text.listed(found["who"]), "genotypes")
    if found := text.take(
        rf"what (?:genotype )?(?:does|do|is|are) (?P<who>{NAMES})(?: have| genotyped?(?: as)?| called(?: as)?)? ?(?:at|for) {_VARIANT}"
    ):
        return _at(text, found["place"], text.listed(found["who"]), "genotypes")
    if found := text.take(
        rf"is (?P<who>{NAMES}) (?:a )?(?:carrier|carrying|het\w*|hom\w*)(?: (?:of|for|at))? {_VARIANT}"
    ):
        return _at(text, found["place"], text.listed(found["who"]), "genotypes")
    return None


def _at(text: Text, mark: str, samples: list[str], show: str) -> Call:
    place = text.names[mark]
    where = {"id": place} if mark[1] == "i" else {"position": place}
    shown = {} if show == "genotypes" else {"show": show}
    return Call("genotypes_at", {**where, **({"samples": samples} if samples else {}), **shown})


# Walks over the graph.


def _explore(text: Text, data: OpenDataset) -> Plan | None:
    arguments = graph_arguments(text, data)
    return Call("explore_graph", arguments) if arguments else None


# Values of a field.


def _values(text: Text, data: OpenDataset) -> Plan | None:
    verb = r"(?:occur|exist|are (?:there|used|present|possible|found|in use|in (?:it|the file|this file))|does it (?:have|use)|appear|are set|can be found)"
    often = rf"(?: {verb})?(?:,? (?:and )?(?:how (?:often|many|frequent(?:ly)?)(?: (?:does|is) each(?: occur| one)?| is it| are they| of each)?|with (?:their )?counts))?"
    subject = r"(?P<name>§f\d+|filters?|clnsig|clinical significances?|chrom)"
    pattern = (
        rf"(?:which|what|list(?: the| all)*|show(?: the| all)*)(?: are the| are| the| all| different| distinct| unique)* {subject}(?: field)?(?: values?| statuses| status| flags?)?{often}"
        rf"|(?:which|what|distinct|unique|list|show)?(?: are the| different| distinct| unique| all| the)* ?values? (?:of|for|in|does|do|are in)(?: the)? ?(?:field |column )?{subject.replace('name', 'name2')}(?: (?:field|column|take|have|occur|hold))*{often}"
    )
    found = re.search(rf"(?<![\w§])(?:{pattern})(?!\w)", text.rest)
    if not found or not re.search(r"value|which|what|distinct|unique|list|show", found[0]):
        return None
    before = text.rest
    text.take(pattern)
    if text.leftover():
        text.rest = before
        return None
    return Call("distinct_values", {"field": _field_name(text, data, found["name"] or found["name2"])})


def _field_name(text: Text, data: OpenDataset, name: str) -> str:
    if name in text.names:
        return "INFO/" + text.names[name].removeprefix("INFO/")
    if name.startswith("filter"):
        return "FILTER"
    if name == "chrom":
        return "CHROM"
    from ..tools.clauses import significance_column

    return f"INFO/{significance_column(data).id}"


# Variants that meet conditions: grouped, counted, looked for, listed.


def _group(text: Text, data: OpenDataset) -> Plan | None:
    found = _grouping(text)
    if found is None:
        return None
    by, wanted = found
    if by == "sample":
        data.need_genotypes()
    _take_question_words(text)
    conditions = read_conditions(text, data)
    text.take(r"broken down|break (?:it |them )?down|distribution|breakdown|grouped?|tally|counts?|frequencies")
    return _call("group_variants", conditions, {"by": by, **wanted})


def _grouping(text: Text) -> tuple[str, dict[str, Json]] | None:
    size = r"(?P<size>\d+(?:[.,]\d+)?) ?-?(?P<unit>kb|kbp|mb|mbp|bp|kilobases?|megabases?|bases?)?"
    window = rf"(?:(?:which|what|per|by|in each|for each|each|the top|top) )(?:the )?(?:(?P<top>\d+|one|three|five|ten) )?(?:{size} (?:windows?|bins?|intervals?)|(?:windows?|bins?) of {size.replace('size', 'size2').replace('unit', 'unit2')})"
    if found := text.take(window):
        most = text.take(
            r"(?:hold|have|has|contain|holds|contains|with)? ?(?:the )?(?:most|highest number of|greatest number of|largest number of|densest)(?: variants?| records?| sites?)?"
        )
        top = _top(found["top"], bool(most))
        return "window", {"window": _bases(found), **({"top": top} if top else {})}
    for pattern, by in words()["groups"].items():
        largest_of = rf"(?:which|what) (?:(?P<n>\d+|one|three|five|ten) )?(?:{pattern})(?: (?:has|have|holds?|contains?|carr(?:y|ies)|shows?|harbou?rs?|with|is|are|hit by))? (?:the )?(?P<order>most|highest number of|largest number of|greatest number of)(?: (?:frequent|common|often hit|affected|hit|mutated))?"
        first = rf"(?:the )?top (?P<n>\d+|one|three|five|ten)? ?(?:{pattern})(?: by (?:number|count) of (?:variants?|records?))?"
        if largest := text.take(largest_of) or text.take(first):
            one = "order" in largest.groupdict() and not largest["n"]
            return by, {"top": 1 if one else _top(largest["n"], True)}
        per = rf"(?:(?:are|is) (?:there )?)?(?:per|by|for each|on each|in each|for every|on every|in every|each|does each|of each|across|over(?: the)?) (?:{pattern})(?: have| has| carry| carries| name| separately)?"
        if by == "sample" and _SAMPLE_CONDITION.search(text.rest):
            continue
        if text.take(per) or text.take(rf"(?:distribution|breakdown|frequency) (?:of|by|over) (?:the )?(?:{pattern})"):
            return by, {}
    return None


_SAMPLE_CONDITION = re.compile(
    r"\b(het\w*|hom\w*|missing|no-?call\w*|dp|gq|depth|quality|coverage)\b.*\b(every|each|all)\b"
)
"""`het in every sample` is a condition, not a grouping."""

_NUMBERS = {"one": 1, "three": 3, "five": 5, "ten": 10}


def _top(said: str | None, most: bool) -> int | None:
    if said:
        return _NUMBERS.get(said) or int(said)
    return 5 if most else None


def _bases(found: re.Match[str]) -> int:
    size = float((found["size"] or found["size2"]).replace(",", ""))
    unit = (found["unit"] or found["unit2"] or "bp")[0]
    return round(size * {"k": 1_000, "m": 1_000_000, "b": 1}[unit])


COUNT = (
    r"how many(?: different)?|(?:what is |what's |give me |tell me |show |find )?(?:the )?(?:total )?(?:number|count) of"
    r"|count(?: up| all| the)?"
)
IS_THERE = (
    r"(?:is there|are there|does (?:it|this file|the file|the cohort) (?:have|contain|include)|do we have|does|is|are)"
    r"(?: any?)?"
)
LIST = r"(?:list|show|give me|display|print|find|get|which|what(?: are)?|return|report|name|identify)(?: me)?(?: all| the)*"
NOUN = r"(?:variants?|records?|sites?|positions?|mutations?|alleles?|calls?)"


def _select(text: Text, data: OpenDataset) -> Plan | None:
    """Count, look for, or list variants: the first words say which, once."""
    if text.take(COUNT):
        return _counted(read_conditions(text, data))
    if text.take(rf"^\W*(?:{IS_THERE})\b"):
        conditions = read_conditions(text, data)
        if any(len(conditions.found.get(kind, [])) > 1 for kind in ("ids", "regions", "genes", "types")):
            conditions.ask("Any of them, or each? Ask for one at a time.")
        return _call("count_variants", conditions, {"question": "is_there"}) if _says_what(conditions) else None
    if text.take(r"^\W*(?:keep|filter(?: for)?|select|extract)(?: only| just)?(?: the)?\b"):
        conditions = read_conditions(text, data)
        conditions.reading.append("nothing is written: these are the records that would be kept")
        return _call("list_variants", conditions, {})
    return _listed(text, data)


def _says_what(conditions: Conditions) -> bool:
    """Whether the question speaks of variants at all."""
    if conditions.found or conditions.unclear:
        return True
    return re.search(rf"\b{NOUN}\b", conditions.text.rest) is not None


def _listed(text: Text, data: OpenDataset) -> Plan | None:
    asked = text.take(rf"^\W*(?:{LIST})\b")
    limit = text.take(r"(?:the )?first (?P<n>\d+)")
    conditions = read_conditions(text, data)
    if not _says_what(conditions) or not (asked or conditions.found or conditions.unclear):
        return None
    conditions.found.pop("scope", None)
    return _call("list_variants", conditions, {"limit": int(limit["n"])} if limit else {})


def _counted(conditions: Conditions) -> Plan | None:
    types = conditions.found.get("types", [])
    if len(types) > 1 and set(types) != {"symbolic", "bnd"}:
        conditions.text.take(r"and|or")
        choices = ["number of variants by type", *[f"how many {t}s" for t in types]]
        conditions.ask("Together, or each by itself?", choices)
    return _call("count_variants", conditions, {}) if _says_what(conditions) else None


def _call(tool: str, conditions: Conditions, more: dict[str, Json]) -> Plan:
    if conditions.unclear:
        first = conditions.unclear[0]
        return AskBack(first.question, _in_full(conditions.text.question, first))
    return Call(tool, {**conditions.found, **more}, conditions.reading)


def _in_full(question: str, unclear: Ambiguous) -> list[str]:
    """Each choice as a whole question, where the words that it stands for are known as they were asked."""
    at = question.lower().find(unclear.phrase.lower()) if unclear.phrase else -1
    if at < 0:
        return unclear.choices
    return [question[:at] + choice + question[at + len(unclear.phrase) :] for choice in unclear.choices]


# Follow-ups: the call before, narrowed down or with one condition exchanged.

_NARROWING = r"^\W*(?:and (?:only |just )?|only |just |but only |now (?:only |just ))(?P<what>.*)$"
_EXCHANGING = r"^\W*(?:(?:and )?(?:what about|how about)(?: for| on| in)?|and (?:in|on|at)(?= §[rcg])) (?P<what>.*)$"
_SELECTING = ("count_variants", "list_variants", "group_variants")
_KINDS = {"not_types": "types", "not_filters": "filters", "not_regions": "regions"}
_ALTERNATIVES = ("regions", "genes", "types", "consequences", "impacts", "significance", "filters", "ids")


def _follow_up(text: Text, data: OpenDataset, last: Call | None) -> Plan | None:
    exchange = re.match(_EXCHANGING, text.rest)
    found = exchange or re.match(_NARROWING, text.rest)
    if not found or last is None or last.tool not in _SELECTING:
        return None
    text.rest = found["what"]
    conditions = read_conditions(text, data)
    held = {k: v for k, v in last.arguments.items() if k != "dataset"}
    if not _goes_on(conditions, held, exchange is not None):
        return Decline("I could not tell how this goes on from the question before; ask it as a whole.", False)
    conditions.found = {**held, **conditions.found}
    conditions.reading.insert(0, "the other conditions of the question before still hold")
    return _call(last.tool, conditions, {})


def _goes_on(conditions: Conditions, held: dict[str, Json], exchange: bool) -> bool:
    """Whether new conditions are of kinds not asked for yet, or, to exchange, of kinds that were."""
    new = {_KINDS.get(k, k) for k in conditions.found}
    old = {_KINDS.get(k, k) for k in held}
    if not new or "scope" in new:
        return False
    if exchange:
        return conditions.found.keys() <= set(_ALTERNATIVES) & held.keys()
    return not new & old

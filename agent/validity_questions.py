"""Questions on whether a file is valid, and on what a complaint about it means. They need no ingested file."""

import re
from typing import Any

from ..tools.validation.explanations import rules_meant
from ..tools.validation.rules import rules
from .phrases import Text, without_courtesy

Asked = tuple[str, dict[str, Any]]

_FILE = r"(?:this|the|it|my|its|that|our)?(?: (?:file|vcf|vcf file|dataset|data))?"
_SPEC = r"(?:the )?(?:official )?(?:(?:vcf )?(?:v?4\.[1-5] )?(?:file )?(?:spec|specs|specifications?|standards?|format|rules)(?: (?:of|for) vcf)?(?: ?v?4\.[1-5])?|vcf ?v?4\.[1-5])"
_TROUBLE = r"(?:errors?|problems?|mistakes?|issues?|faults?|violations?|defects?|findings?)"
_STRICT = r"strictly|(?:or|and) warnings|in strict mode|(?:and )?(?:with |counting |treat(?:ing)? )?warnings (?:count )?as errors"

_VALID = [
    r"valid(?: or not)?",
    rf"(?:whether|if) {_FILE} is (?:a )?valid(?: vcf)?(?: or not)?",
    rf"(?:is|are) {_FILE} ?(?:file )?(?:a |an )?(?:fully |completely |really |still )?(?:valid|well-? ?formed|(?:spec(?:ification)?[- ])?(?:compliant|conformant)|conforming)(?: (?:with|to) {_SPEC})?(?: or not)?(?: vcf| file| vcf file)*",
    rf"(?:re)?validate ?{_FILE}(?: against {_SPEC})?",
    rf"(?:run|do) (?:a |the )?(?:validation|validator|validity check)(?: (?:on|of) {_FILE})?",
    rf"(?:check|test) ?{_FILE}(?: (?:for|against) (?:{_TROUBLE}|{_SPEC}|validity))",
    rf"(?:check|test) (?:whether|if|that) {_FILE} is (?:a )?valid(?: vcf)?",
    rf"(?:(?:does|do|has) {_FILE} )?(?:follow|conform to|comply with|meet|obey|respect|adhere to|match|pass)(?:es|s)? (?:{_SPEC}|validation)",
    rf"(?:what|which)(?:'s| is| are)? (?:wrong|the (?:problem|matter|trouble))s?(?: (?:with|in|about) {_FILE})?",
    rf"(?:is )?{_FILE} (?:ok|okay|in order|all right|alright|sound|intact)",
]
"""Questions that an answer of yes calls the file valid."""

_ERRORS = [
    rf"(?:is|are) (?:there )?(?:any(?:thing)? )?(?:wrong|{_TROUBLE})(?: (?:with|in|of) {_FILE})?",
    rf"(?:does|do|has|have) {_FILE} (?:have |contain |has )?(?:any )?{_TROUBLE}",
    rf"(?:is|are) {_FILE} (?:broken|corrupt(?:ed)?|damaged|malformed|invalid|faulty)",
    rf"(?:does|do) {_FILE} (?:violate|break) (?:any (?:of )?)?{_SPEC}",
]
"""Questions that an answer of yes calls it faulty."""

_LISTED = rf"(?:what|which|list|show|tell|give|find)(?: me)?(?: are)?(?: all| the| any)* (?:validation )?{_TROUBLE}(?: (?:does|do|has|are (?:there )?(?:with|in)|with|in|of) {_FILE}(?: have)?| are there| has it| exist)?"

_PARTS = {
    "header": r"(?:in|of|with) (?:the|its|this) (?:vcf )?(?:header|meta[- ]?(?:data|information)?(?: lines)?)(?: lines)?",
    "info": r"(?:in|of|with) (?:the )?info(?: (?:column|fields?|values?))?",
    "genotype": r"(?:in|of|with) (?:the )?(?:genotypes?|format|samples?)(?: (?:columns?|fields?|values?))?",
}

_INDEX = [
    rf"why (?:does|do|did|is|has|can't|cannot|can not|won't|doesn't|can|could|will) ?{_FILE}(?: i| we| you| be| not| tabix| bcftools)*(?: {_FILE})? ?index(?:ing|ed|able)?(?: {_FILE})?(?: fail(?:s|ed|ing)?| not work(?:ing)?| impossible| not possible)?",
    rf"why (?:does|do|did) (?:the )?(?:tabix|bcftools index|index(?:ing)?|building (?:an|the) index)(?: (?:of|on|with|for) {_FILE})? (?:fail|not work|stop|refuse)",
    rf"why (?:can't|cannot|can) (?:i|we|tabix|bcftools)(?: not)? (?:index|make an index)(?:(?: of| for)? {_FILE})?",
    rf"(?:can|could) (?:{_FILE} be|i|we|tabix|bcftools) (?:index|indexed)(?: {_FILE})?(?:,? (?:and )?(?:if not,? )?why(?: not)?)?",
    rf"(?:is|are) {_FILE} indexable|what (?:stops|prevents|keeps) {_FILE} from being indexed",
    r"(?:index(?:ing)?|tabix) (?:fails?|failed|does not work|doesn't work)",
]

_ASKED = re.compile(
    r"\W*(?:what (?:does|do|is meant by|is meant with|is|are)|what's|explain|why (?:do|does|did) (?:i|bcftools|tabix|gatk|it|htslib|pysam)"
    r" (?:get|say|tell|complain(?: about)?|report|show|print|warn(?: about)?)|how (?:do|can|should|to)(?: (?:i|we))?"
    r" (?:fix|mend|repair|solve|resolve|correct)|(?:i|we) (?:get|got|see|have)|(?:bcftools|tabix|gatk|htslib|pysam) (?:says?|said|complains?|reports?))"
    r"(?: me)?(?: (?:the|this|an?|that))?(?: (?:code|finding|message|warning|error|error message|problem|rule|complaint))*(?: of)? *[:,]?"
    r" +(?P<what>.+?)(?:,? (?:mean|meaning|stand for|about|come from|say|fail|in this file|here))*(?:,? (?:and )?(?:how (?:do|can) i (?:fix|mend|repair) (?:it|that|this)|what does (?:it|that|this) mean))?\W*",
    re.IGNORECASE | re.DOTALL,
)
"""A complaint inside a question."""

_NO_MESSAGE = re.compile(
    r"\W*(?:how|why|which|what|who|whose|where|when|is|are|was|do|does|did|has|have|can(?! not)|could(?! not)|should|list|show|give|count|find|"
    r"get|print|and|only|keep|filter|select|number|name|describe|summar\w+|tell)\b",
    re.IGNORECASE,
)
"""How a question or an order begins, and a program's message does not."""

_ENDS = " ?.!'\""

_ITS_NAME_WENT = r" (?:with|in|of|about|for|on)$"
"""What is left where a question ended in the name of the file, which has been taken out."""


def validity_question(question: str) -> Asked | None:
    """The tool and the arguments, where a question is about the validity of a file; null where it is about anything else."""
    question = without_courtesy(question)
    rest = re.sub(_ITS_NAME_WENT, "", question.lower().rstrip(" ?.!"))
    return _explained(question) or _validated(Text(question, rest))


def _validated(text: Text) -> Asked | None:
    wanted: dict[str, Any] = {"strict": True} if text.take(_STRICT) else {}
    named = next((c for c in rules() if re.search(rf"(?<!\w){c.lower()}(?!\w)", text.rest)), None)
    if named:
        return _of_rule(text, named, wanted)
    if any(text.whole(pattern) for pattern in _INDEX):
        return "explain_finding", {"what": text.question.strip(_ENDS)}
    if any(text.whole(pattern) for pattern in _VALID):
        return "validate_file", wanted
    part = next((part for part, pattern in _PARTS.items() if text.take(pattern)), None)
    if part:
        wanted["part"] = part
    if any(text.whole(pattern) for pattern in _ERRORS):
        return "validate_file", {**wanted, "question": "has_errors"}
    return ("validate_file", wanted) if text.whole(_LISTED) else None


def _of_rule(text: Text, code: str, wanted: dict[str, Any]) -> Asked | None:
    """Whether the file breaks one rule, or the lines on which it does."""
    name = rf"(?:the )?(?:rule )?{code.lower()}"
    if text.whole(rf"(?:does|do) {_FILE} (?:break|violate|have)(?: any)? {name}(?: {_TROUBLE})?"):
        return "validate_file", {**wanted, "code": code, "question": "has_errors"}
    lines = rf"(?:where|on which lines?) (?:does|is) {_FILE} (?:break|violate) {name}"
    listed = rf"(?:list|show|give|find)(?: me)?(?: all| the)* {name}(?: {_TROUBLE})?"
    return ("validate_file", {**wanted, "code": code}) if text.whole(lines) or text.whole(listed) else None


def _explained(question: str) -> Asked | None:
    """A complaint that the rules know: inside a question about it, or a bare code or message."""
    found = _ASKED.fullmatch(question)
    said = found["what"] if found else question
    if (not found and _NO_MESSAGE.match(question)) or not rules_meant(said):
        return None
    return "explain_finding", {"what": said.strip(_ENDS)}

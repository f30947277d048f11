import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcf_agent.memory.genotype_codes import Genotype, GenotypeCodes, alleles_of, classify

quick = settings(max_examples=100, deadline=None, derandomize=True)

CLASSES = {
    Genotype.HOM_REF: ["0/0", "0|0", "0/0/0", "0|0/0|0"],
    Genotype.HET: ["0/1", "1|0", "1/2", "10/0", "0/0/1", "1/1/2", "0|1/0"],
    Genotype.HOM_ALT: ["1/1", "2|2", "12/12", "1/1/1/1"],
    Genotype.HEMI_REF: ["0", "|0", "/0"],
    Genotype.HEMI_ALT: ["1", "7", "|1", "/12"],
    Genotype.PARTIAL: ["./1", "0/.", ".|0", "1/.", "./1/1", "0/1/."],
    Genotype.MISSING: [".", "./.", ".|.", "././.", "|.", "/./."],
}


@pytest.mark.parametrize(("text", "expected"), [(text, kind) for kind, texts in CLASSES.items() for text in texts])
def test_class_of(text, expected):
    assert classify(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0/1", [0, 1]), (".", [None]), ("./12", [None, 12]), ("|1", [1]), ("/0|1", [0, 1]), ("2|.|0", [2, None, 0])],
)
def test_alleles_of(text, expected):
    assert alleles_of(text) == expected


allele = st.integers(0, 12).map(str) | st.just(".")


@st.composite
def genotypes(draw):
    """The alleles of a genotype and, for each but the first, the mark in front of it."""
    alleles = draw(st.lists(allele, min_size=1, max_size=6))
    return alleles, draw(st.lists(st.sampled_from("/|"), min_size=len(alleles) - 1, max_size=len(alleles) - 1))


def written(alleles, marks):
    return alleles[0] + "".join(m + a for m, a in zip(marks, alleles[1:], strict=True))


@quick
@given(genotypes(), st.randoms())
def test_neither_phase_nor_order_matters(genotype, random):
    alleles, marks = genotype
    expected = classify(written(alleles, marks))
    assert classify("/".join(alleles)) is expected
    assert classify("|" + "|".join(alleles)) is expected  # the leading mark of VCF 4.4
    random.shuffle(alleles)
    assert classify(written(alleles, marks)) is expected


@quick
@given(genotypes())
def test_each_class_is_what_it_is_called(genotype):
    alleles, marks = genotype
    kind = classify(written(alleles, marks))
    assert (kind is Genotype.MISSING) == (set(alleles) == {"."})
    assert (kind is Genotype.PARTIAL) == ("." in alleles and set(alleles) != {"."})
    complete = "." not in alleles
    assert (kind is Genotype.HET) == (complete and len(set(alleles)) > 1)
    assert (kind in (Genotype.HEMI_REF, Genotype.HEMI_ALT)) == (complete and len(alleles) == 1)
    assert (kind in (Genotype.HOM_REF, Genotype.HEMI_REF)) == (set(alleles) == {"0"})


@quick
@given(st.lists(genotypes(), min_size=1, max_size=20))
def test_the_code_book(drawn):
    texts = [written(*g) for g in drawn]
    book = GenotypeCodes()
    codes = [book.code(text) for text in texts]
    assert [book.texts[code] for code in codes] == texts
    assert sorted(set(codes)) == list(range(len(set(texts))))
    again = GenotypeCodes(book.texts)
    assert [again.code(text) for text in texts] == codes
    assert book.called()[codes].tolist() == [sum(a != "." for a in alleles) for alleles, _ in drawn]
    assert book.phased()[codes].tolist() == ["|" in marks for _, marks in drawn]
    for number in (0, 1, 12):
        assert book.copies(number)[codes].tolist() == [alleles.count(str(number)) for alleles, _ in drawn]


def test_codes_by_class():
    book = GenotypeCodes([text for texts in CLASSES.values() for text in texts])
    for kind, texts in CLASSES.items():
        assert [book.texts[code] for code in book.with_class(kind)] == texts
        assert book.classes()[book.with_class(kind)].tolist() == [kind] * len(texts)
    assert [book.texts[c] for c in book.with_class(Genotype.HEMI_REF, Genotype.HOM_REF)] == [
        *CLASSES[Genotype.HOM_REF], *CLASSES[Genotype.HEMI_REF]]  # fmt: skip


def test_a_book_without_genotypes_can_still_be_looked_up():
    """A file without records has no codes, and arrays are indexed all the same."""
    book = GenotypeCodes()
    assert [len(a) for a in (book.classes(), book.called(), book.copies(1), book.phased())] == [1, 1, 1, 1]
    assert book.with_class(Genotype.HET) == []


def test_a_list_given_is_not_changed():
    texts = ["0/0"]
    GenotypeCodes(texts).code("0/1")
    assert texts == ["0/0"]

"""What another release would change: how it is read, what is hidden of it, and how it is told."""

import pytest

from console.core.difference import MOST, Change, Cut, Difference, Gap, How, Pair, Subject, commit_word, parse
from console.core.difference_words import brief, lines
from console.core.probe import ParseError
from console.core.service import ServiceRef
from console.core.text import HIDDEN

PAIR = Pair(ServiceRef("web1", "systemd", "api.service"), "b", "a")
TOLD = """commit\tremoved\t71fa998 Second: fix
commit\tremoved\t11dd945 First
commit\tadded\tec86866 Other
more\tcommit\tremoved\t4
file\tchanged\tapi.py
file\tremoved\tnew.py
variable\tchanged\t.env: LOG\t=debug\t=info
variable\tchanged\t.env: DB_PASSWORD\t=hunter2hunter2\t=hunter3
variable\tadded\t.env: URL\t\t=postgres://api:hunter2@db/api
variable\tremoved\t.env: TOKEN\t*
label\tchanged\tversion\t%1.4+rc\t%1.3
size\tchanged\timage\t=4194304\t=2097152
fact\t1 of 5 layers are not those of what runs
gap\tfiles\tsome may not be read
end"""


def test_an_answer_is_read() -> None:
    found = parse(TOLD)
    assert found.lost == ("71fa998 Second: fix", "11dd945 First")
    assert found.gained == ("ec86866 Other",)
    assert found.count(Subject.COMMIT, How.REMOVED) == 6
    assert Change(Subject.VARIABLE, How.CHANGED, ".env: LOG", "debug", "info") in found.changes
    assert Change(Subject.LABEL, How.CHANGED, "version", "1.4 rc", "1.3") in found.changes
    assert (found.gaps, found.cut) == (
        (Gap("files", "some may not be read"),),
        (Cut(Subject.COMMIT, How.REMOVED, 4),),
    )


def test_what_may_be_a_secret_is_hidden_though_it_was_sent() -> None:
    values = {one.name: (one.before, one.after) for one in parse(TOLD).changes}
    assert values[".env: DB_PASSWORD"] == (HIDDEN, HIDDEN)
    assert values[".env: URL"] == (None, HIDDEN)
    assert values[".env: TOKEN"] == (HIDDEN, None)
    assert "hunter" not in repr(parse(TOLD))


def test_the_digest_of_an_image_is_no_secret_but_a_variable_of_that_look_is() -> None:
    digest = "registry.example/api@sha256:" + "0123456789abcdef" * 4
    random = "Zx81kQpLmN27vTrY0aBcDeFg"
    found = parse(f"image\tchanged\tmain\t={digest}\t=api:1.4\nvariable\tadded\t.env: SHAPE\t\t={random}\nend")
    assert [(one.before, one.after) for one in found.changes] == [(digest, "api:1.4"), (None, HIDDEN)]


def test_it_is_told_in_one_line_and_in_many() -> None:
    found = parse(TOLD)
    assert brief(found) == (
        "6 commits lost, 1 gained; 1 file removed, 1 changed; 1 variable removed, 1 added, 2 changed;"
        " 1 label changed; image 4.0 MiB -> 2.0 MiB; not known: files"
    )
    assert lines(found) == (
        ("lost", "71fa998 Second: fix"),
        ("", "11dd945 First"),
        ("", "and 4 more lost"),
        ("gained", "ec86866 Other"),
        ("files", "removed new.py"),
        ("", "changed api.py"),
        ("variables", "removed .env: TOKEN"),
        ("", "added .env: URL"),
        ("", "changed .env: DB_PASSWORD"),
        ("", "changed .env: LOG: debug -> info"),
        ("labels", "changed version: 1.4 rc -> 1.3"),
        ("size", "image 4.0 MiB -> 2.0 MiB"),
        ("facts", "1 of 5 layers are not those of what runs"),
        ("not known", "files: some may not be read"),
    )


def test_nothing_is_claimed_of_what_is_not_known() -> None:
    assert brief(Difference(PAIR)) == "no difference was found"
    assert brief(Difference(PAIR, pending=True)) == "what differs is not known yet"
    assert brief(Difference(PAIR, failure="no right")) == "what differs is not known: no right"
    assert brief(Difference(PAIR, gaps=(Gap("commits", "no git"),))) == "not known: commits"
    assert lines(Difference(PAIR, failure="no right")) == (("differs", "what differs is not known: no right"),)


def test_of_very_many_the_first_are_kept_and_the_others_counted() -> None:
    found = parse("".join(f"file\tadded\tf{number:04}\n" for number in range(MOST + 50)) + "end")
    assert (len(found.changes), found.count(Subject.FILE, How.ADDED)) == (MOST, MOST + 50)


@pytest.mark.parametrize(
    "text", ["", "file\tadded\tx", "file\tgone\tx\nend", "odd\tadded\tx\nend", "x\nend", "more\tfile\tadded\t-1\nend"]
)
def test_half_an_answer_and_a_line_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize("word", [None, "", "--output=x", "HEAD", "abc", "g" * 40, "a" * 65])
def test_only_the_hash_of_a_commit_is_given_to_git(word: str | None) -> None:
    assert commit_word(word) == ""
    assert commit_word("a" * 40) == "a" * 40

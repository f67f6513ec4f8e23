from console.core.words import listed


def test_a_list_reads_as_a_person_says_it_and_tells_how_many_are_left_out() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert listed(iter("abcd"), most=1) == "a and 3 more"

"""Owners of lines, worked out by hand on tiny histories; what git says is given."""

import pytest

from orchestration.systems.git.line_changes import unquoted
from orchestration.systems.git.lines import FileStep, Hunk, LineLedger, Step, packed, unpacked

KINDS = {"a": 0, "b": 1}


def ledger(blamed: tuple[int, ...] = ()) -> LineLedger:
    """An empty one; ``blamed`` is what git would say of any file."""
    return LineLedger(lambda path: KINDS.get(path, 2), lambda _sha, _path: blamed)


def owners(book: LineLedger, path: str) -> list[int]:
    """The position that each line of a file is from."""
    return [owner // 8 for owner in book.owners(path) or ()]


def births(book: LineLedger) -> list[tuple[int, int, int]]:
    """(position, kind, lines)."""
    return [*zip(book.births.positions, book.births.kinds, book.births.lines, strict=True)]


def deaths(book: LineLedger) -> list[tuple[int, int, int, int, int, int]]:
    """(position, born, kind, lines, replaced, copied)."""
    t = book.removals
    columns = (t.positions, t.born, t.kinds, t.lines, t.replaced, t.copied)
    return [*zip(*columns, strict=True)]


def step(*files: FileStep, gone: tuple[str, ...] = ()) -> Step:
    return Step("sha", gone, files)


def new(path: str, lines: int) -> FileStep:
    return FileStep(path, None, [Hunk(0, 0, 1, lines)] if lines else [])


def test_lines_are_replaced_removed_and_put_between() -> None:
    book = ledger()
    book.take(step(new("a", 6)))
    # Line 2 and 3 become one, one comes after line 4, the last goes.
    hunks = [Hunk(2, 2, 2, 1), Hunk(4, 0, 4, 1), Hunk(6, 1, 5, 0)]
    book.take(step(FileStep("a", "a", hunks)))
    assert owners(book, "a") == [1, 2, 1, 2, 1]
    assert births(book) == [(1, 0, 6), (2, 0, 2)]
    assert deaths(book) == [(2, 1, 0, 3, 1, 0)]


def test_a_moved_file_keeps_its_lines_and_the_kind_they_came_with() -> None:
    book = ledger()
    book.take(step(new("a", 3)))
    book.take(step(FileStep("b", "a", [Hunk(3, 1, 3, 2)]), gone=("a",)))
    assert owners(book, "b") == [1, 1, 2, 2]
    assert births(book) == [(1, 0, 3), (2, 1, 2)]
    assert deaths(book) == [(2, 1, 0, 1, 1, 0)]
    assert len(book.state()) == 1


def test_a_file_that_lives_on_in_two_has_its_lines_twice() -> None:
    book = ledger()
    book.take(step(new("a", 4)))
    book.take(step(FileStep("b", "a", []), FileStep("c", "a", [Hunk(1, 1, 1, 1)]), gone=("a",)))
    assert (owners(book, "b"), owners(book, "c")) == ([1] * 4, [2, 1, 1, 1])
    # Standing: 4 - 0 + 3 of the first step, 1 of the second.
    assert births(book) == [(1, 0, 4), (2, 2, 1)]
    assert deaths(book) == [(2, 1, 0, 0, 0, 3)]


def test_a_deleted_file_takes_its_lines_along_and_comes_back_as_new() -> None:
    book = ledger()
    book.take(step(new("a", 2), new("b", 0)))
    book.take(step(gone=("a",)))
    book.take(step(new("a", 2)))
    assert (owners(book, "a"), owners(book, "b")) == ([3, 3], [])
    assert births(book) == [(1, 0, 2), (3, 0, 2)]
    assert deaths(book) == [(2, 1, 0, 2, 0, 0)]


def test_what_becomes_a_link_loses_its_lines() -> None:
    book = ledger()
    book.take(step(new("a", 2)))
    book.take(step(new("a", 1), gone=("a",)))
    assert owners(book, "a") == [2]
    assert deaths(book) == [(2, 1, 0, 2, 0, 0)]


def test_a_binary_file_has_no_lines_and_gets_back_those_that_git_lays_to_others() -> None:
    book = ledger(blamed=(1, 3, 1))
    book.take(step(new("a", 2)))
    book.take(step(FileStep("a", "a", [], is_binary=True)))
    assert book.owners("a") is None
    book.take(step(FileStep("a", "a", [])))
    assert owners(book, "a") == [1, 3, 1]
    # Standing of the first step: 2 - 2 + 2.
    assert births(book) == [(1, 0, 2), (3, 0, 1)]
    assert deaths(book) == [(2, 1, 0, 2, 0, 0), (3, 1, 0, 0, 0, 2)]


def test_what_is_older_than_a_shallow_clone_is_nobodys() -> None:
    book = ledger()
    book.take(step(new("a", 3)), is_boundary=True)
    book.take(step(FileStep("a", "a", [Hunk(1, 1, 1, 1)])))
    assert owners(book, "a") == [2, 0, 0]
    assert births(book) == [(2, 0, 1)]
    assert deaths(book) == [(2, 0, 0, 1, 1, 0)]


def test_going_on_from_the_state_is_going_on() -> None:
    whole = ledger()
    whole.take(step(new("a", 3), FileStep("b", None, [], is_binary=True)))
    later = LineLedger(lambda _path: 0, lambda _sha, _path: (), 1, whole.state())
    for book in (whole, later):
        book.take(step(FileStep("a", "a", [Hunk(2, 1, 2, 1)])))
    assert later.state() == whole.state()
    assert deaths(later) == deaths(whole)


def test_hunks_that_do_not_add_up_are_an_error() -> None:
    book = ledger()
    book.take(step(new("a", 1)))
    with pytest.raises(ValueError, match="do not add up at sha"):
        book.take(step(FileStep("a", "a", [Hunk(5, 1, 9, 1)])))


def test_owners_are_kept_in_runs() -> None:
    assert packed([8, 8, 17, 8]) == "8*2 17*1 8*1"
    assert [*unpacked("8*2 17*1 8*1")] == [8, 8, 17, 8]
    assert (packed([]), [*unpacked("")]) == ("", [])


def test_quoted_paths_are_read_as_git_writes_them() -> None:
    assert unquoted("src/a b.py") == b"src/a b.py"
    assert unquoted(r'"t\tn\n\"\\\303\274"') == b't\tn\n"\\\xc3\xbc'

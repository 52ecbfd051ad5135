"""What is told of errors with files."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException, RestException
from sqlalchemy.exc import OperationalError

from pipeline.runtime.errors import LONGEST_LINE, InputError, cut, one_line, why


def test_an_error_with_a_file_says_which_and_why(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        (tmp_path / "missing").read_text()
    assert why(caught.value) == f"{tmp_path / 'missing'}: No such file or directory"
    assert why(OSError("no room")) == "no room"


def test_a_copy_without_room_is_told_by_its_place(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits of sizes")
    (source := tmp_path / "source").write_bytes(bytes(8192))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            shutil.copyfile(source, tmp_path / "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert why(caught.value) == f"{tmp_path / 'copy'}: File too large"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError.at("a.b", takes="x", got="y"), "a.b: takes x; got y"),
        (OSError(2, "No such file or directory", "a.png"), "a.png: No such file or directory"),
        (
            ConnectionError("no server answers ([Errno 111] Connection refused)"),
            "no server answers (Connection refused)",
        ),
        (ConnectionResetError(), "ConnectionResetError"),
        (MlflowException("no experiment"), "no experiment"),
        (RestException({"error_code": "NOT_FOUND", "message": "no run"}), "NOT_FOUND: no run"),
        (OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked")), "database is locked"),
        (KeyError("a"), "KeyError: 'a'"),
    ],
)
def test_the_kind_of_an_error_is_told_only_where_its_words_need_it(error: Exception, line: str) -> None:
    assert one_line(error) == line


def test_a_long_line_is_cut_between_words() -> None:
    assert cut("short") == "short"
    line = cut("word " * 100)
    assert set(line.split()) == {"word", "..."}
    assert LONGEST_LINE - 5 <= len(line) <= LONGEST_LINE
    assert cut("x" * 1000) == "x" * (LONGEST_LINE - 4) + " ..."


def test_of_many_files_that_could_not_be_copied_the_first_is_told(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in "ab":
        # links to nothing cannot be copied
        (source / name).symlink_to(tmp_path / "missing")
    with pytest.raises(shutil.Error) as caught:
        shutil.copytree(source, tmp_path / "target")
    told = why(caught.value)
    assert told in [f"No such file or directory: '{source / name}'" for name in "ab"]

"""What is told of errors with files."""

import shutil
from pathlib import Path

import pytest

from pipeline.runtime.errors import why


def test_an_error_with_a_file_says_which_and_why(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        (tmp_path / "missing").read_text()
    assert why(caught.value) == f"{tmp_path / 'missing'}: No such file or directory"
    assert why(OSError("no room")) == "no room"


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

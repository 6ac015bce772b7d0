"""The page about data runs."""

import shlex
import warnings
from pathlib import Path

from tests.cli.test_cli import cli
from tests.pages import blocks

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


def test_the_page_about_data_runs(capsys):
    code = "\n".join(blocks(PAGE, "python"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, "data.md", "exec"), {})
    said = capsys.readouterr().out
    assert "['left', 'right'] ['left' 'right']" in said and said.count("RMSE") == 2
    for line in blocks(PAGE, "sh"):
        status, _, told = cli(capsys, *shlex.split(line)[1:], "--target", "numpy", "--quiet", "--epochs", "2")
        assert status == 0, told

"""Pages of the documentation as programs: the blocks in them, and what they say to type."""

import re

import pytest

from neuroeq.cli import main


def blocks(page, language):
    """Return the content of the blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)


def type_in(words):
    """Do what a command of neuroeq does, which must end well."""
    program, *arguments = words
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert (program, ended.value.code) == ("neuroeq", 0), words

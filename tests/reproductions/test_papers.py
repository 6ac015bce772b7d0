"""Every script of a paper runs, finds what the paper claims, and stands in the table of papers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = {path.name: path for path in sorted((ROOT / "scripts" / "papers").glob("[!_]*.py"))}
PAPERS = (ROOT / "docs" / "results" / "papers.md").read_text()
COMMAND = re.compile(r"`python (scripts/\S+\.py)`")


@pytest.mark.reproduction
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_claim_of_a_paper_holds(name, tmp_path):
    """The short version, in an empty folder, which it leaves empty."""
    command = [sys.executable, "-W", "ignore::UserWarning", str(SCRIPTS[name]), "--quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("Held here: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.reproduction
def test_a_claim_that_fails_is_said_and_counted(tmp_path):
    """With a bound that nothing can meet."""
    for path in SCRIPTS["rbp_2019.py"].parent.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text().replace("each.state_error < 2", "each.state_error < 0"))
    command = [sys.executable, "-W", "ignore", "rbp_2019.py", "--quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("Did NOT hold here: ")


def test_the_page_lists_every_script_and_no_other():
    listed = COMMAND.findall(PAPERS)
    assert len(listed) == len(set(listed))
    assert all((ROOT / path).is_file() for path in listed)
    assert {Path(path).name for path in listed if Path(path).parent.name == "papers"} == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_where_the_claim_is_from_and_what_to_expect(name):
    doc = SCRIPTS[name].read_text().split('"""')[1]
    assert re.search(r"arXiv:\d{4}\.\d{5}|doi:10\.|PMLR|NeurIPS", doc)
    assert "Claim: " in doc and re.search(r"^Expected: ", doc, flags=re.MULTILINE) and "--quick: " in doc

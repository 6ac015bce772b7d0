"""The documentation site: it builds without a warning, its links lead somewhere, and no key of a file is missing."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from neuroeq.describe.spec import Hardware, Network, NeuronModel, SynapseModel
from neuroeq.registry import PROGRAMMING, UPDATE_LAWS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
MADE = {DOCS / "reference" / f"{name}.md" for name in ("network", "models", "hardware")}
"""Pages that exist once the site is built."""


class Anchors(HTMLParser):
    """The links of a page and the places in it that links can lead to."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        self.links.add(found.get("href") if tag == "a" else found.get("src"))


def headings(path):
    """The names of the headings of a page in Markdown, as links write them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files_and_headings(page):
    for link in LINK.findall(page.read_text()):
        address, _, anchor = link.partition("#")
        target = (page.parent / address).resolve() if address else page
        if ":" in link or target in MADE:
            continue
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.fixture(scope="module")
def keys():
    """The generator of the pages of keys."""
    sys.path.insert(0, str(DOCS))
    try:
        import keys

        yield keys
    finally:
        sys.path.remove(str(DOCS))


@pytest.mark.parametrize("name", ["network", "models", "hardware"])
def test_every_key_of_a_description_is_on_its_page_with_its_default(name, keys):
    pytest.importorskip("numpydoc")
    title, roots = keys.PAGES[name]
    rows = [line for line in keys.page(title, roots).splitlines() if line.startswith("| `")]
    seen = 0
    for table in (table for root in roots.values() for table in keys.tables("", root)):
        for key, field in table.spec.model_fields.items():
            own = [row for row in rows if row.startswith(f"| `{keys.dotted(table.path, field.alias or key)}` |")]
            seen += 1
            if field.is_required():
                assert any("| required |" in row for row in own), key
            elif isinstance(field.default, str) and field.default:
                assert any(f'| `"{field.default}"` |' in row for row in own), key
            elif isinstance(field.default, float | int) and not keys.reader(field.annotation, field.metadata):
                assert any(f"| `{str(field.default).lower()}` |" in row for row in own), key
            assert own and all(len(row.split("|")[-2].split()) > 1 for row in own), f"{key} has no meaning"
    assert seen > {"network": 100, "models": 25, "hardware": 120}[name]


def test_descriptions_within_descriptions_are_found(keys):
    pytest.importorskip("numpydoc")
    found = {table.spec for table in keys.tables("", Hardware)}
    assert {UPDATE_LAWS.get(name) for name in UPDATE_LAWS.ours} <= found
    assert {PROGRAMMING.get(name) for name in PROGRAMMING.ours} <= found
    assert {table.path for table in keys.tables("", Network)} >= {
        "data.augment",
        "layers.NAME",
        "phases.free",
        "record",
    }
    assert {table.path for root in (NeuronModel, SynapseModel) for table in keys.tables("", root)} > {"plasticity"}


def test_ranges_units_and_defaults_are_in_words(keys):
    pytest.importorskip("numpydoc")
    text = keys.page(*keys.PAGES["hardware"])
    assert '| `temperature` | temperature, from 100, up to 1000 | K | `"300.15 K"` |' in text
    assert "| `array.max_rows` | whole number, above 0 |  | – |" in text
    assert '| `synapse.rounding` | `"nearest"`, `"stochastic"` |  | `"nearest"` |' in text
    text = keys.page(*keys.PAGES["network"])
    assert "| `substrate.NAME.dt` | time, above 0 | s | – |" in text
    assert "| `training.momentum` | number, from 0, below 1 |  | `0.0` |" in text


@pytest.mark.reproduction
def test_the_site_builds_without_a_warning_and_its_links_lead_somewhere(tmp_path):
    pytest.importorskip("sphinx")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", "trees", str(DOCS), "site"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stderr
    files = [path for path in (tmp_path / "site").rglob("*.html") if "_static" not in path.parts]
    pages = {path: Anchors(path) for path in files}
    names = {path.relative_to(tmp_path / "site").as_posix() for path in pages}
    assert names >= {"index.html", "tutorials/2_own_neuron.html", "reference/network.html", "inside.html"}
    assert "reference/names/neuroeq.train.html" in names
    for page, found in pages.items():
        for link in found.links - {None, "#", ""}:
            where = urlparse(link)
            if where.scheme:
                continue
            target = (page.parent / unquote(where.path)).resolve() if where.path else page
            assert target.exists(), f"{page.name}: {link}"
            assert not where.fragment or target not in pages or unquote(where.fragment) in pages[target].ids, link

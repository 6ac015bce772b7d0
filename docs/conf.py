"""The documentation site: pages in Markdown, reference pages from docstrings and from the spec of files."""

import shutil
import sys
from pathlib import Path

import neuroeq

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
shutil.rmtree(DOCS / "reference" / "names", ignore_errors=True)  # pages of names that may be gone

project = "neuroeq"
author = "the authors of neuroeq"
release = version = neuroeq.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "keys"]
exclude_patterns = ["_build"]

myst_heading_anchors = 4

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "neuroeq"
html_sidebars = {page: [] for page in ("index", "gallery/index", "inside")}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
}

"""The documentation site: sphinx-build -W --keep-going -b html docs site."""

from importlib.metadata import version as version_of

project = "k6frames"
author = "The k6frames developers"
project_copyright = author
version = release = version_of("k6frames")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
html_theme = "furo"
html_title = f"k6frames {version}"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False
pygments_dark_style = "monokai"  # the theme's own underlines names, as if they were links
smartquotes = False  # it would make one dash of the two of --sample

# The pages under api/ say in which order functions stand and which groups they form; so no page is
# made by autosummary, whose tables only stand on top of them.
autosummary_generate = False
# The docstrings give each parameter's type in words. In a signature of eleven parameters the
# annotations once more would hide the names.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
# `tables.returns` appends this section: the columns of the frame that a function returns.
napoleon_custom_sections = ["Columns"]
# In a docstring `projects_df` is a name of Python's. What it finds becomes a link; the rest code.
default_role = "py:obj"

myst_heading_anchors = 3

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
pygments_dark_style = "monokai"  # the theme's own underlines names like links
smartquotes = False  # it would turn --sample into a dash

# The pages under api/ list the functions in groups, so autosummary generates no pages.
autosummary_generate = False
# The docstrings have each type. Repeated in a long signature, they would hide the names.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
# `tables.returns` appends this section: the columns of the frame that a function returns.
napoleon_custom_sections = ["Columns"]
# `projects_df` in a docstring becomes a link if it is a public name, and code otherwise.
default_role = "py:obj"

myst_heading_anchors = 3

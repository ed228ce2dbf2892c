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
pygments_dark_style = "monokai"  # the theme's own style underlines names as if they were links
smartquotes = False  # smart quotes would turn the -- of --sample into a dash

# The pages under api/ list the functions in groups, so autosummary generates no pages.
autosummary_generate = False
# The types are in the docstrings. Repeated in long signatures, they would hide the names.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
# `tables.schema.returns` appends this section: the columns of the frame that a function returns.
napoleon_custom_sections = ["Columns"]
# A name such as `projects_df` in a docstring becomes a link if it is public, and code otherwise.
default_role = "py:obj"

myst_heading_anchors = 3

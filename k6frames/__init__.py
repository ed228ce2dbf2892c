"""Grafana Cloud k6 accounts as typed pandas DataFrames.

>>> import k6frames
>>> client = k6frames.Client.sample()
>>> projects = k6frames.organization_projects_df(client=client)
>>> int(k6frames.projects_per_organization(projects)["projects"].sum())
300
"""

import lazy_loader

__version__ = "0.2.0"

# The public names are declared once, in __init__.pyi, and imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

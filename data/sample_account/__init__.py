"""The invented sample account, one module per part of it."""

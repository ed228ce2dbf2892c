"""The command line `k6frames`."""

"""Errors that carry a message for the user; the command line prints them as one line."""

from __future__ import annotations


class InputError(ValueError):
    """Bad usage or input: exit code 2. The message names the parameter, the rule and the value."""


class RunError(RuntimeError):
    """The run or a check failed: exit code 1."""

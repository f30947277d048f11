"""Every failure that a user is told of, in one tree:

VcfAgentError
├── InputError      a file, a path or a setting that cannot be used
├── StorageError    the workspace cannot be read or written
├── ToolError       a request that a tool cannot answer as it was asked
├── Stopped        work that a person ended before it was done
└── ModelError      no model could be reached or understood

Anything else that is raised is a bug.
"""


class VcfAgentError(Exception):
    """What went wrong and where, and the way out, in one line."""

    def __init__(self, what: str, way_out: str = "") -> None:
        self.what = what
        self.way_out = way_out
        super().__init__(f"{what}. {way_out}" if way_out else what)


class InputError(VcfAgentError):
    """A file, a path or a setting that cannot be used."""


class StorageError(VcfAgentError):
    """The workspace cannot be read or written."""


class ToolError(VcfAgentError):
    """A request that a tool cannot answer as it was asked."""


class Stopped(VcfAgentError):
    """Work that a person ended before it was done."""


class ModelError(VcfAgentError):
    """No model could be reached or understood."""

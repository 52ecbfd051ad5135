"""The one error that a user can cause: it is shown as one line, without a traceback."""


class InputError(ValueError):
    """A setting, file or picture that cannot be used.

    The message is one line of the form ``key: takes WHAT IS POSSIBLE; got WHAT CAME``.
    """

    @classmethod
    def at(cls, key: str, *, takes: str, got: object) -> "InputError":
        """The error for the setting `key` (dotted, as on the command line)."""
        received = got if isinstance(got, str) else repr(got)
        return cls(f"{key}: takes {takes}; got {received}".replace("\n", " "))

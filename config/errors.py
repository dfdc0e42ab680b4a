"""The one error of settings: said in one line, exit code 2."""


class SettingsError(Exception):
    """A setting, profile or plan is wrong; the message names the key and says what to do.

    ``str()`` is the English line; ``zh`` the Chinese one, the same as the English where none was written.
    """

    def __init__(self, message: str, zh: str = "") -> None:
        super().__init__(message)
        self.zh = zh or message

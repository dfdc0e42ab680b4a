"""The one error of settings: said in one line, exit code 2."""


class SettingsError(Exception):
    """A setting, profile or plan is wrong; the message names the key and says what to do."""

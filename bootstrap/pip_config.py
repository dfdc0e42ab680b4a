"""pip's settings as pip would read them, for the steps that pip does not do itself."""

import configparser
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path


def pip_setting(name: str, variables: Mapping[str, str]) -> str:
    """A setting of pip, or "": PIP_NAME first, then its configuration files, the user's before the machine's."""
    from_variable = variables.get("PIP_" + name.upper().replace("-", "_"))
    if from_variable is not None:
        return from_variable
    parser = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):
        parser.read(pip_config_files(variables), encoding="utf-8")
    for section in ("install", "global"):
        if parser.has_option(section, name):
            return parser.get(section, name)
    return ""


def pip_config_files(variables: Mapping[str, str]) -> list[Path]:
    named = variables.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path(variables.get("HOME") or "/nonexistent")
    user = Path(variables.get("XDG_CONFIG_HOME") or home / ".config")
    files = [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        user / "pip" / "pip.conf",
    ]
    return [*files, Path(named)] if named else files

"""The time zone that an owner names: dates on pages and sheets are read there."""

from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError


def zone_of(name: str) -> tzinfo:
    """The zone called ``name``; UTC on a system that has no such zone, so that a page never fails over a clock."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _known(name: str) -> str:
    known = available_timezones()  # none at all on a system without zone data: nothing to judge by
    if known and name not in known:
        raise PydanticCustomError("no_such_zone", "no such time zone")
    return name


TimeZone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_known)]

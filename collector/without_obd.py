"""Cars that answer no OBD request at all, as many electric ones: the VIN by 22 F190 of a few known units.

It comes last, when every standard question stayed unanswered. No unit is searched for: the profiles name them.
"""

from itertools import groupby

from collector.addressing import Address, address_functionally, address_physically
from collector.car import Car
from collector.makers import stationary_now
from collector.notebook import Notebook
from collector.obd_on_uds import VIN_DID, take_vin_did
from config.profiles import IdentityUnit, Profiles
from protocols.readings import ItemStatus

PROTOCOLS = {"can11": "6", "can29": "7"}  # 500 kbit/s; cars that new have no other speed at the socket


async def identify(car: Car, book: Notebook, profiles: Profiles) -> bool:
    """Whether a unit told the car's VIN; the adapter then stays on that car's link, addressing all units."""
    if await stationary_now(car, book) is None:
        return False
    units = sorted(profiles.identity_units, key=lambda unit: unit.link)
    for link, same in groupby(units, key=lambda unit: unit.link):
        await car.use_protocol(PROTOCOLS[link])
        for unit in same:
            if not await _ask_unit(car, book, unit):
                return False
            if book.vin:
                await car.found_without_obd()
                book.note("link", ItemStatus.UNSUPPORTED, f"no OBD service; {unit.response_id} told the VIN")
                return True
    return False


async def _ask_unit(car: Car, book: Notebook, unit: IdentityUnit) -> bool:
    """Ask one unit; False when the bus itself is silent, so that nobody else needs to be asked."""
    address = Address(unit.request_id, unit.response_id)
    asked = await car.ask(VIN_DID) if await address_physically(car, address) else None
    await address_functionally(car, address)
    if asked is not None:
        take_vin_did(book, asked)
    return asked is None or not asked.faulty

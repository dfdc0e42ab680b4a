"""Asks the car: transports, the adapter, what to ask when, giving up and being quiet."""

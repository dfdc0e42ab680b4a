"""Cars and adapters that do not exist. Shares no code with the driver, so that it can be its oracle."""

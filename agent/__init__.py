"""The edge process put together: command line, bays, intake, bay page and health."""

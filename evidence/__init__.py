"""What readings prove: odometer ledger, checks, verdict, service due. Pure functions used at both ends."""

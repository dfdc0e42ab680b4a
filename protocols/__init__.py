"""What bytes mean: adapter sessions, ISO-TP, OBD services, UDS, trouble codes. Pure: bytes in, values out."""

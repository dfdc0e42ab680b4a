"""What an owner may change: settings, vehicle profiles, service plans, rules and the message catalogue."""

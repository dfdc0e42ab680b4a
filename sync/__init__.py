"""What we keep and owe: records, the wire contract, the outbox and its delivery."""

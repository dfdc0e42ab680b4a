"""Upstream: ingest, record store, review, alerts and the pages people read."""

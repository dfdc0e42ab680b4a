"""Whole lives of many cars, drawn by the day from one seed: histories to judge, and the truth about each."""

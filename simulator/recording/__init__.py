"""Turns a real car into a scenario: asks it what a reader asks, hides who it is, and writes down what it said."""

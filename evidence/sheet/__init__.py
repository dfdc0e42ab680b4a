"""The intake sheet: one page that says what is known of a car, drawn from one pure value and sealed in a chain."""

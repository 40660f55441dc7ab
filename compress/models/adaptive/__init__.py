"""What is decided per frame: bypass and early exits."""

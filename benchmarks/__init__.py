"""What is fast, measured beside what the machine could do (`make bench`)."""

"""A simulated company with planted truth: the demo shows it, the tests check against it."""

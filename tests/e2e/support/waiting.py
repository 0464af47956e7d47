"""Waiting for an event, never for a time."""

import time


def wait_until(condition, what, seconds=30):
    """Asks until the answer is true, and returns it; fails the test at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)

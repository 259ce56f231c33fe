# cython: language_level=3
"""Prime numbers, fast."""


def primes(int limit):
    cdef int number, multiple
    composite = bytearray(limit + 1)
    found = []
    for number in range(2, limit + 1):
        if not composite[number]:
            found.append(number)
            for multiple in range(number * 2, limit + 1, number):
                composite[multiple] = 1
    return found

# cython: language_level=3
"""How soon a point escapes."""


def escape(double x, double y, int limit=50):
    cdef double real = 0, imaginary = 0, square
    cdef int step
    for step in range(limit):
        square = real * real - imaginary * imaginary + x
        imaginary = 2 * real * imaginary + y
        real = square
        if real * real + imaginary * imaginary > 4:
            return step
    return limit

"""Counts in words."""

import inflect

numbers = inflect.engine()
for number in (1, 12, 123):
    print(numbers.number_to_words(number))

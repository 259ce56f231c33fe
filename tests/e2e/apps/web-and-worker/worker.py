"""Bakes, one loaf after the other."""

import itertools
import time

from recipes import RECIPES

for name in itertools.cycle(RECIPES):
    print("baking", name, flush=True)
    time.sleep(RECIPES[name]["minutes"])

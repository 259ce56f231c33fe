RECIPES = {"rye": {"minutes": 50}, "spelt": {"minutes": 40}}

"""How a container can tell that its program still works: what to ask, and which program of the image can ask."""

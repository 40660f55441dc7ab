"""Students layer by layer: the variants that a space allows, what they cost and lose, and which to choose."""

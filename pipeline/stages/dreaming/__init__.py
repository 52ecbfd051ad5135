"""How a photo is dreamt into: two methods, and what surrounds them."""

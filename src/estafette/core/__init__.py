"""The delivery domain: decisions as pure functions over plain data; the standard library only."""

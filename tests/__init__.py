"""The tests of Estafette; they mirror its packages."""

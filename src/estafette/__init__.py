"""Estafette: a self-hosted last-mile delivery platform that speaks published delivery APIs."""

import zoneinfo

# The rules of time zones are those of the locked package `tzdata`, not of the machine's files:
# those may be years old. Almaty has been at +5 since March 2024, and many systems still say +6.
zoneinfo.reset_tzpath(())

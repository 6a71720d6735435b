"""Estafette: a self-hosted last-mile delivery platform that speaks published delivery APIs."""

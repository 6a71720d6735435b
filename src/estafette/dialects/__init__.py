"""The published APIs that Estafette speaks, a folder each; they do not know each other."""

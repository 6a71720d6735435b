"""What a market begins with, to be edited afterwards: its cities and its price list."""

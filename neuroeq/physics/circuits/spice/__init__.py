"""Netlists for ngspice, and what ngspice makes of them."""

"""Analog circuits: what a network is as resistors, diodes, amplifiers and wires, solved and written as SPICE."""

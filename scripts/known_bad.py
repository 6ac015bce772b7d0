"""Values that nobody means, each in a file that must be refused in one sentence before anything runs.

The text of each stands in a file ``mine.toml`` and is described for the substrate before the colon, where there is one.
"""

XOR = 'extends = "xor"\n'
DELAY = "[projections.hidden_output]\ndelay = "
DT = "[substrate.rate]\ndt = "
FREE = "[phases.free]\nduration = "
NEURON = 'extends = "lif"\n'
SYNAPSE = 'extends = "two_trace"\n'
DIODE = 'extends = "1n4148"\n[neuron.nonlinearity]\n'

KNOWN_BAD: dict[str, str | bytes] = {
    # names and paths
    "rate: name leads up": XOR + 'name = "../../escaped"',
    "rate: name is absolute": XOR + 'name = "/elsewhere/x"',
    "rate: name is the folder above": XOR + 'name = ".."',
    "rate: extends itself": 'extends = "./mine.toml"',
    "rate: extends itself by way of a folder": 'extends = "../{folder}/mine.toml"',
    # times
    "spiking: delay below 0": XOR + DELAY + '"-1 ms"',
    "spiking: delay far below 0": XOR + DELAY + '"-50 ms"',
    "spiking: delay of 1e300 s": XOR + DELAY + '"1e300 s"',
    "spiking: delay of an hour": XOR + DELAY + '"1 h"',
    "spiking: delay longer than the phase": XOR + DELAY + '"10 s"',
    "rate: dt longer than the phase": XOR + DT + '"100 ms"',
    "rate: dt of an hour": XOR + DT + '"1 h"',
    "rate: dt longer than half the phase": XOR + DT + '"40 ms"',
    "rate: dt of 1e-300 s": XOR + DT + '"1e-300 s"',
    "rate: dt below 0": XOR + DT + '"-5 ms"',
    "rate: dt of 0": XOR + DT + '"0 ms"',
    "rate: dt longer than two time constants": XOR + '[substrate.rate.neuron_parameters]\ntau = "1 ms"',
    "rate: time constant below 0": XOR + '[substrate.rate.neuron_parameters]\ntau = "-10 ms"',
    "rate: time constant of 0": XOR + '[substrate.rate.neuron_parameters]\ntau = "0 ms"',
    "rate: phase of 1e9 steps": XOR + FREE + '"1000000000 steps"\n[training]\nepochs = 1',
    "rate: phase of a year": XOR + FREE + '"1 year"',
    "rate: phase below 0": XOR + FREE + '"-5 ms"',
    "rate: phase in volts": XOR + FREE + '"10 mV"',
    # units
    "rate: tower of powers": XOR + DT + '"1 s^9^9^9^9"',
    "rate: long unit": XOR + DT + '"1 a' + 60_000 * " " + '!"',
    "rate: unit to the power of 0": XOR + DT + '"1 ms**0"',
    "rate: code for a unit": XOR + DT + "\"1 __import__('os')\"",
    # sizes
    "rate: 1e9 units": XOR + "[layers.hidden]\nsize = 1000000000",
    "rate: 1e30 units": XOR + "[layers.hidden]\nsize = 1e30",
    "rate: weights beyond any memory": XOR + "[layers]\nhidden = { size = 9000000 }\ninput = { size = 9000000 }",
    "rate: batch of 1e6": XOR + "[training]\nbatch_size = 1000000",
    "rate: batch of 1e9": XOR + "[training]\nbatch_size = 1000000000",
    "rate: 1e9 generated examples": XOR + "[data]\nsamples = 1000000000",
    "rate: 1e12 epochs": XOR + "[training]\nepochs = 1000000000000",
    "rate: 1e9 epochs": XOR + "[training]\nepochs = 1000000000",
    # what learns
    "rate: beta of 1e-20": XOR + "[phases]\nbeta = 1e-20",
    "rate: beta of 0": XOR + "[phases]\nbeta = 0",
    "rate: beta that is no number": XOR + "[phases]\nbeta = nan",
    "rate: infinite beta": XOR + "[phases]\nbeta = inf",
    "rate: no synapse listed": XOR + "[projections.hidden_output]\nconnect = { edges = [] }",
    "rate: no synapse drawn": XOR + "[projections.hidden_output]\nconnect = { probability = 1e-9 }",
    "rate: gain below 0": XOR + "[projections.input_hidden.initial]\ngain = -1",
    "rate: learning rate below 0": XOR + "[projections.input_hidden]\nlearning_rate = -0.1",
    "rate: bounds the wrong way round": XOR + "[projections.input_hidden]\nbounds = [1, -1]",
    # models
    "unit_rate in milliseconds": NEURON + 'unit_rate = "10 ms"',
    "unit_rate below 0": NEURON + 'unit_rate = "-1 kHz"',
    "refractory time below 0": 'extends = "lif_hard"\nrefractory = "-5 ms"',
    "dt of a million seconds": 'extends = "sigmoid"\ndt = "1e9 ms"',
    "neuron's dt below 0": NEURON + 'dt = "-1 ms"',
    "empty bounds over others": 'extends = "hard_sigmoid"\nbounds = {}',
    "code behind a carriage return": NEURON + "reset = \"v -= V_T # soft\\r__import__('os').getcwd()\"",
    "tower of powers in an equation": NEURON + 'equations = "ds/dt = 9**9**9**9/tau : 1"',
    "equations that do not parse": NEURON + 'equations = "def"',
    "term that does not parse": SYNAPSE + '[[plasticity]]\npre = "activity_rat%"\npost = "activity"',
    "in-situ synapse that changes nothing": 'title = "t"\ntransmission = "w*activity_pre"',
    # hardware
    "window the wrong way round": 'extends = "pcm"\n[synapse]\ng_max = "1e-12 S"\ng_min = "1 S"',
    "conductance below 0": 'extends = "pcm"\n[synapse]\ng_min = "-1 uS"',
    "diode of 1e300 A": DIODE + 'i_s = "1e300 A"',
    "diode that leaks ten thousand amperes": DIODE + 'i_s = "1e10 uA"',
    "junction with an emission coefficient of 1e12": DIODE + 'i_s = "10 uA"\nn = 1e12',
    "temperature below 0": 'extends = "1n4148"\ntemperature = "-1 K"',
    "converter of 99 bits": 'extends = "board"\n[periphery]\nadc_bits = 99',
    # files
    "lists 5000 deep": "a = " + 5000 * "[" + 5000 * "]",
    "tables 200000 deep": ".".join(200_000 * "a") + " = 1",
    "number of 5000 digits": "a = " + 5000 * "9",
    "control character in a title": XOR + 'title = "\\u001b[31m"',
    "text in another encoding": XOR.encode() + b'title = "\xe4"',
}

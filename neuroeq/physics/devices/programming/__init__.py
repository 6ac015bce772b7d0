"""How changes of the weights are brought into devices: one class per scheme, found by name in `PROGRAMMING`."""

from .agad import DynamicReference
from .mixed_precision import MixedPrecision
from .sign import SignOfChange
from .tiki_taka import TikiTaka, TikiTakaV2
from .write_verify import WriteAndVerify

__all__ = ["DynamicReference", "MixedPrecision", "SignOfChange", "TikiTaka", "TikiTakaV2", "WriteAndVerify"]

"""Learning rules: from phases to a change of the parameters."""

from .contrastive import contrastive
from .in_situ import in_situ
from .update import Update

__all__ = ["Update", "contrastive", "in_situ"]

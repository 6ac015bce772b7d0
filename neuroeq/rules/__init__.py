"""Learning rules: from phases to a change of the parameters."""

from .contrastive import contrastive
from .in_situ import in_situ
from .update import Update
from .vector_field import vector_field

__all__ = ["Update", "contrastive", "in_situ", "vector_field"]

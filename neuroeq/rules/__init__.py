"""Learning rules: from phases to a change of the parameters."""

from .choice import estimate
from .contrastive import contrastive
from .in_situ import in_situ
from .settling import settle
from .update import Update
from .vector_field import vector_field

__all__ = ["Update", "contrastive", "estimate", "in_situ", "settle", "vector_field"]

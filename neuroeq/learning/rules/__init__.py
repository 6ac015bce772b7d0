"""Learning rules: from phases to a change of the parameters."""

from .choice import estimate
from .contrastive import contrastive
from .holomorphic import holomorphic
from .in_situ import in_situ
from .trial import Trial
from .update import Update
from .vector_field import vector_field

__all__ = ["Trial", "Update", "contrastive", "estimate", "holomorphic", "in_situ", "vector_field"]

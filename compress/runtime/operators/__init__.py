"""Which operators a graph of a bundle may have, and the shapes, values and work that follow from its inputs."""

from compress.runtime.operators.known import Known, of_tensor
from compress.runtime.operators.table import RULES, outputs_of, work_of

__all__ = ["RULES", "Known", "of_tensor", "outputs_of", "work_of"]

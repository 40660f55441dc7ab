"""Generated data: sequences with exact boxes and training pairs, drawn from a seed."""

from compress.data.generated.difficulty import DIFFICULTIES, levels_of, random_levels
from compress.data.generated.drawn import DrawnSequence
from compress.data.generated.pairs import sample_pairs
from compress.data.generated.sequences import GeneratedSequence, generated_sequences
from compress.data.generated.textures import load_images

__all__ = [
    "DIFFICULTIES",
    "DrawnSequence",
    "GeneratedSequence",
    "generated_sequences",
    "levels_of",
    "load_images",
    "random_levels",
    "sample_pairs",
]

"""Fine-tuned variants in the study of a run: an attribute each, `finetuned:VARIANT`.

They are no trials: what a sampler learns from, and what a search that is continued repeats, stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compress.archive.lineage import FINETUNED
from compress.archive.record import Record
from compress.core import FileError
from compress.core.plain_values import shown

if TYPE_CHECKING:
    import optuna

_PREFIX = f"{FINETUNED}:"


def store_finetuned(study: optuna.Study, record: Record) -> None:
    """Put a fine-tuned variant on the study, in place of an earlier record of the same one."""
    study.set_user_attr(_PREFIX + record.variant, record.to_attrs())


def finetuned_records(attrs: Mapping[str, Any]) -> tuple[Record, ...]:
    """The fine-tuned variants among the attributes of a study, sorted by name.

    Raises:
        FileError: one is none, or is not the variant that it is kept as.
    """
    found = ((name.removeprefix(_PREFIX), attrs[name]) for name in sorted(attrs) if name.startswith(_PREFIX))
    return tuple(_checked(variant, Record.from_attrs(kept)) for variant, kept in found)


def _checked(variant: str, record: Record) -> Record:
    if record.variant != variant or record.lineage is None or record.is_teacher:
        raise FileError(
            f"The study keeps as the fine-tuned variant {shown(variant)} what is none, or another. It was changed by "
            "something else than `compress finetune`. Take a copy of the run from before that."
        )
    return record

"""What a search tried: records from the study, dominance, the Pareto front, its hypervolume, tables. No torch."""

from compress.archive.archive import Archive
from compress.archive.dominance import dominates, nondominated_rank, pareto_mask
from compress.archive.execution_paths import paths_from
from compress.archive.plan import Plan
from compress.archive.prior_accuracy import SHARE, PriorAccuracy
from compress.archive.record import Record, Status, fidelity_order, variant_name
from compress.archive.study import (
    STUDY,
    archive_of,
    read_archive,
    read_knobs,
    storage_url,
    store_measured,
    store_plan,
    store_record,
    store_status,
    store_teacher,
)
from compress.archive.tables import adaptive, front_rows, row, write_csv, write_pareto_csv, write_trials_csv

__all__ = [
    "Archive",
    "Plan",
    "PriorAccuracy",
    "Record",
    "SHARE",
    "STUDY",
    "Status",
    "adaptive",
    "archive_of",
    "dominates",
    "fidelity_order",
    "front_rows",
    "nondominated_rank",
    "pareto_mask",
    "read_archive",
    "read_knobs",
    "row",
    "storage_url",
    "store_measured",
    "store_plan",
    "store_record",
    "store_status",
    "store_teacher",
    "variant_name",
    "paths_from",
    "write_csv",
    "write_pareto_csv",
    "write_trials_csv",
]

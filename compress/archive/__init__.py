"""What a search tried: records from the study, dominance, the Pareto front, its hypervolume, tables. No torch."""

from compress.archive.agreement import Agreement, rank_agreement, scored_by_fidelity, trust_sentences
from compress.archive.archive import Archive
from compress.archive.comparison import versus_next, within_noise
from compress.archive.dominance import dominates, nondominated_rank, pareto_mask
from compress.archive.execution_paths import paths_from
from compress.archive.finetuned import finetuned_records, store_finetuned
from compress.archive.learning_curves import CurveFile, CurvePoint, distilling_step, read_curve
from compress.archive.lineage import FINETUNED, Improvement, Lineage
from compress.archive.origins import origin_sentences
from compress.archive.paired_difference import PairedDifference, bootstrap_error, paired_difference
from compress.archive.plan import Plan
from compress.archive.prior_accuracy import SHARE, PriorAccuracy
from compress.archive.record import Record, Status, fidelity_order, variant_name
from compress.archive.running import RunLock, RunningSearch, run_dir_lock, running_search
from compress.archive.storage import (
    NoStudyError,
    StudyPlace,
    explained_storage,
    new_study_name,
    noted_storage,
    open_storage,
    place_of,
)
from compress.archive.study import (
    StoredStudy,
    archive_of,
    has_study,
    read_archive,
    read_knobs,
    read_study,
    store_measured,
    store_plan,
    store_record,
    store_status,
    store_teacher,
)
from compress.archive.study_file import STUDY, check_study_file, close, new_study_file, storage_url
from compress.archive.tables import (
    adaptive,
    csv_text,
    front_rows,
    pareto_csv,
    row,
    trials_csv,
    write_pareto_csv,
    write_trials_csv,
)
from compress.archive.time_spent import PHASES, TimeSpent, add_phases, time_sentence, time_spent

__all__ = [
    "Archive",
    "CurveFile",
    "CurvePoint",
    "FINETUNED",
    "Improvement",
    "Lineage",
    "PHASES",
    "PairedDifference",
    "Plan",
    "PriorAccuracy",
    "Record",
    "RunLock",
    "RunningSearch",
    "SHARE",
    "STUDY",
    "Status",
    "StoredStudy",
    "TimeSpent",
    "adaptive",
    "add_phases",
    "archive_of",
    "bootstrap_error",
    "check_study_file",
    "close",
    "dominates",
    "distilling_step",
    "explained_storage",
    "finetuned_records",
    "has_study",
    "new_study_name",
    "noted_storage",
    "open_storage",
    "place_of",
    "StudyPlace",
    "NoStudyError",
    "fidelity_order",
    "front_rows",
    "new_study_file",
    "nondominated_rank",
    "origin_sentences",
    "paired_difference",
    "pareto_mask",
    "read_archive",
    "read_curve",
    "read_knobs",
    "read_study",
    "row",
    "csv_text",
    "pareto_csv",
    "time_sentence",
    "time_spent",
    "trials_csv",
    "run_dir_lock",
    "running_search",
    "storage_url",
    "store_finetuned",
    "store_measured",
    "store_plan",
    "store_record",
    "store_status",
    "store_teacher",
    "variant_name",
    "Agreement",
    "rank_agreement",
    "scored_by_fidelity",
    "trust_sentences",
    "paths_from",
    "write_pareto_csv",
    "write_trials_csv",
    "versus_next",
    "within_noise",
]

"""Plans: fronts by estimates alone, where nothing can be trained or timed, written as a search writes its run."""

from compress.driver.planner.planning import check_kind, is_plan, make_plan, plan_space

__all__ = ["check_kind", "is_plan", "make_plan", "plan_space"]

"""Cox regression of (start, stop] rows: one kernel for every hazard model of the book."""

from missing_lib.study.cox.fit import CoxFit, fit_cox, fit_rows
from missing_lib.study.cox.rows import CoxRows, prepare

__all__ = ["CoxFit", "CoxRows", "fit_cox", "fit_rows", "prepare"]

"""Statistics for results of cases: means and rates, comparisons, ranks, variance, power, agreement, correction and pass marks.

The rule: pure functions on columns of values and labels. The unit is the case; what cannot be told is None with a sentence, never nan or 0.
"""

from medsim.stats.accuracy import bias, macro_f1, sensitivity, specificity
from medsim.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from medsim.stats.bootstrap import case_means, macro, micro
from medsim.stats.compare import Comparison, contrasts, difference, holm, permutation_test
from medsim.stats.correction import Labelled, ppi_mean, rogan_gladen
from medsim.stats.estimate import Estimate
from medsim.stats.intraclass import icc
from medsim.stats.judged import Calibration, calibration
from medsim.stats.power import Spread, cases_needed, claim, plan, smallest_difference, spread, study_power
from medsim.stats.proportions import harm_rate, pass_at_k, pass_hat_k, pass_rate
from medsim.stats.ranks import Rank, ranks
from medsim.stats.results import Pairs, Result, paired, pooled
from medsim.stats.standards import PassMark, angoff, borderline_regression
from medsim.stats.variance import Split, components, split

__all__ = [
    "Calibration", "Comparison", "Estimate", "Labelled", "Pairs", "PassMark", "Rank", "Result", "Split", "Spread", "angoff", "bias",
    "borderline_regression", "calibration", "case_means", "cases_needed", "claim", "cohen_kappa", "components", "contrasts", "difference",
    "fleiss_kappa", "harm_rate", "holm", "icc", "krippendorff_alpha", "macro", "macro_f1", "micro", "paired", "pass_at_k", "pass_hat_k",
    "pass_rate", "permutation_test", "plan", "pooled", "ppi_mean", "ranks", "rogan_gladen", "sensitivity", "smallest_difference",
    "specificity", "split", "spread", "study_power",
]  # fmt: skip

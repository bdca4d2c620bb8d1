"""``python -m medsim.patient``: learn the topics anew and keep the result, after the exemplars were changed."""

from medsim.patient.matcher import fitted_path, learn

if __name__ == "__main__":
    learn().fitted.save(fitted_path())

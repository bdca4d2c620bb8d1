"""``python -m medsim.patient``: learn the topics anew and keep the result, after exemplars or words were changed."""

from medsim.patient.fitting import kept_path, learn

if __name__ == "__main__":
    learn().save(kept_path())

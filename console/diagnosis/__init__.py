"""Port and start-failure diagnosis: evidence in, verdict out. Pure."""

from console.core.declaration import Declaration
from console.diagnosis.as_json import as_json
from console.diagnosis.as_text import as_markdown, as_text
from console.diagnosis.bind_errors import symptoms
from console.diagnosis.diagnose import diagnose
from console.diagnosis.evidence import Evidence, Question, Refusal
from console.diagnosis.questions import needed
from console.diagnosis.verdict import Confidence, Holder, NotChecked, Verdict, VerdictWord

__all__ = [
    "Confidence",
    "Declaration",
    "Evidence",
    "Holder",
    "NotChecked",
    "Question",
    "Refusal",
    "Verdict",
    "VerdictWord",
    "as_json",
    "as_markdown",
    "as_text",
    "diagnose",
    "needed",
    "symptoms",
]

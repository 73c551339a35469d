"""What a dossier holds, typed and checked: nothing in it is believed because it is there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from provenline.dossier.plan import STEPS, Run

FORMAT = 2
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Step = Annotated[str, Field(pattern=f"^({'|'.join(STEPS)})$")]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,120}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Artifact(_Part):
    """One file, folder or list of files of the run.

    Attributes:
        id: What it is in the plan: ``weights.candidate``, ``frames.development``, ...
        step: Of the chain.
        kind: ``file``; ``folder``, of which every file counts; or ``list``, files that are named one by one
            beside others.
        path: Relative to the project's folder, POSIX; footage may lie outside.
        sha256: Of the file's bytes; of a folder, as ``files.sha256_tree``; of a list, of its lines.
        size: Bytes; None where nobody who may read it counted them.
        files: How many.
        sums: The list of its files, beside the dossier; empty for a file.
        by: What hashed it: ``report``, or the stage whose list names it.
    """

    id: Word
    step: Step
    kind: Literal["file", "folder", "list"]
    path: str
    sha256: Hash
    size: int | None
    files: int
    sums: str
    by: str


class Link(_Part):
    """A hash that one artifact names of another.

    Attributes:
        step: Of the chain.
        by: The file that names it.
        place: Dotted key in that file; empty where it is a list of files.
        about: What it names; for a list, how many files.
        sha256: What it says; of a list, its own.
    """

    step: Step
    by: str
    place: str
    about: str
    sha256: Hash


class Verdict(_Part):
    """What a stage concluded, and from which interval.

    Attributes:
        file: Where it says so.
        place: Dotted key of the verdict.
        about: What was judged.
        says: The verdict.
        bound: What was asked for; None where it is no gate.
        interval: ``estimate``, ``low``, ``high`` and ``groups`` as measured; empty where there is none.
    """

    file: str
    place: str
    about: str
    says: str
    bound: float | None
    interval: dict[str, float | int | None]


class Evidence(_Part):
    """Everything but the report: what the page can show the hash of.

    Attributes:
        run: Which run.
        artifacts: In the order of the chain.
        links: In the order of the chain.
        code: Stage -> hash over the code that dvc.yaml lists for it.
        verdicts: What the run came to.
        missing: Artifacts of the plan that were not there when the report was written.
    """

    run: Run
    artifacts: tuple[Artifact, ...]
    links: tuple[Link, ...]
    code: dict[str, Hash]
    verdicts: tuple[Verdict, ...]
    missing: tuple[str, ...]

    def by_step(self) -> dict[str, list[Artifact]]:
        """Return the artifacts of every step of the chain, in its order."""
        return {step: [one for one in self.artifacts if one.step == step] for step in STEPS}


class Page(_Part):
    """One file of the report, beside the dossier."""

    path: str
    sha256: Hash
    size: int


class Dossier(_Part):
    """All of a run by its hashes.

    Attributes:
        format: Version of this file's keys.
        evidence: What the report rests on.
        evidence_sha256: Over ``evidence``; shown on the page, which is no part of it.
        report: Files of the report.
        seal: Over all of the above. Whoever alters everything can write it anew: compare it with one
            that was written down elsewhere.
    """

    format: Literal[2]
    evidence: Evidence
    evidence_sha256: Hash
    report: tuple[Page, ...]
    seal: Hash

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that is written."""
        return self.model_dump(mode="json")

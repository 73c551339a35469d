"""The page's section on the shadow run, from the metrics of a run whose sample is labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenline.files import write_json
from provenline.reports.document import Document
from provenline.reports.evidence import Shadow
from provenline.reports.judged_readings import shadow
from provenline.reports.shadow_story import shadow_facts
from provenline.reports.story import SHADOW_WORDS
from provenline.shadow.ab import shadow_ab
from tests.shadow import world
from tests.shadow.test_labelling import CHANGES, labelled
from tests.shadow.world import GREEN, RED, ColourDetector, scene


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Shadow]:
    """The same comparison before and after its sample is labelled, read as the report reads it."""
    root = tmp_path_factory.mktemp("shadow")
    media = []
    for number in range(5):
        drawn = [scene(4 + number, 60 if (i + number) % 2 else None) for i in range(6)]
        media.append(world.media(world.video(root / f"{number}.mp4", drawn), f"g{number}"))
    found, labels = [], None
    for name in ("before", "after"):
        engines = ColourDetector({RED: 0.9}), ColourDetector({RED: 0.9, GREEN: 0.8}, fingerprint="b" * 64)
        params = world.params(**CHANGES)
        out = root / name
        done = shadow_ab(media, *engines, params, world.privacy(), world.reading(labels), out)
        write_json(root / f"{name}.json", done.metrics)
        found.append(shadow(Document(root / f"{name}.json", done.metrics)))
        labels = labels or labelled(out / "labelling", root / "labels")
    return found


def test_before_labels_the_page_says_what_was_drawn(runs: list[Shadow]) -> None:
    facts = dict(shadow_facts(runs[0]))
    assert runs[0].sample and facts["Labels spent"] == "none yet" and not runs[0].gains
    assert facts["Drawn to be labelled"].startswith(f"{runs[0].label_more} of 30 frames: ")
    assert "on which they differ" in facts["Drawn to be labelled"] and not runs[0].labelled


def test_with_labels_it_says_what_they_came_to(runs: list[Shadow]) -> None:
    given = runs[1]
    facts = dict(shadow_facts(given))
    assert given.labelled and given.sample and given.decision in SHADOW_WORDS
    assert facts["Labels spent"].startswith(f"{given.sample.labelled} (")
    recall = given.gains["recall"]
    assert recall.value and recall.low is not None and recall.high is not None
    said = f"+{recall.value:.3f} [+{recall.low:.3f}, +{recall.high:.3f}]"
    assert facts["Recall, candidate minus production"] == said
    assert facts["Share of production's errors gone"].startswith("+100%")
    # Green squares are all that production misses: half a square a frame.
    assert float(np.round(given.gains["net_gain"].value or 0, 1)) == pytest.approx(0.5, abs=0.11)


def test_the_page_says_from_where_each_counts(tmp_path: Path) -> None:
    params = world.params(**CHANGES).at({}, {"person": 0.4321, "dog": 0.5})
    engines = ColourDetector({RED: 0.9}), ColourDetector({RED: 0.9}, fingerprint="b" * 64)
    done = shadow_ab([], *engines, params, world.privacy(), world.reading(), tmp_path / "out")
    facts = dict(shadow_facts(shadow(Document(tmp_path / "a.json", done.metrics))))
    assert facts["Production"].endswith(f"counts from confidence {params.score_production.otherwise:g}")
    assert facts["Candidate"].endswith("that validation chose for it: 0.50 (dog), 0.43 (person)")


def test_what_was_not_drawn_is_said(runs: list[Shadow], tmp_path: Path) -> None:
    from dataclasses import replace

    assert runs[1].sample
    given = replace(runs[1], sample=replace(runs[1].sample, missing=1, beyond=3))
    spent = dict(shadow_facts(given))["Labels spent"]
    assert "1 drawn frame without" in spent and "3 labelled frames never drawn and not counted" in spent

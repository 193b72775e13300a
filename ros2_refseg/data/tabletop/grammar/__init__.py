# Copyright 2026 ros2_refseg contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
The grammar of the household level: sentences as people say them to a robot.

A sentence begins as a meaning (``meanings``, ``places``, ``rankings``, ``relations``), which is
held against the scene: it means an object that it is true of while it is false of every other one.
Only then is it put into words (``phrases``, with the tables of ``lexicon``, ``nouns`` and
``requests``).
"""

from collections.abc import Sequence

import numpy as np

from ros2_refseg.data.tabletop.grammar.absent import changed
from ros2_refseg.data.tabletop.grammar.meanings import (
    All,
    GroupMeaning,
    Meaning,
    Not,
    Trait,
)
from ros2_refseg.data.tabletop.grammar.pick import Picker
from ros2_refseg.data.tabletop.grammar.proposals import FORMS as BUILDERS
from ros2_refseg.data.tabletop.grammar.proposals import Proposer
from ros2_refseg.data.tabletop.grammar.rankings import ByDistance, Other
from ros2_refseg.data.tabletop.grammar.relations import Related
from ros2_refseg.data.tabletop.grammar.scene import Scene
from ros2_refseg.data.tabletop.grammar.speech import speak
from ros2_refseg.data.tabletop.grammar.vocabulary import WORDS
from ros2_refseg.data.tabletop.view import Description, VisibleObject

__all__ = ['FORMS', 'WORDS', 'describe', 'describe_with_meanings']

FORMS = (*BUILDERS, 'request', 'typo', 'absent')
"""Kinds of sentence, the values of ``Description.form``."""

TRIES = 5
"""Meanings tried of a kind of sentence before another kind is tried."""
AGAIN = 0.2
"""How likely a kind of sentence is for an object for which it was tried already."""
ABSENT_FORMS = 10
"""Kinds of sentence tried in the search for a meaning that is false of all."""
NEEDLESS = 0.25
"""Share of meanings that are used though a part of them would be enough."""


def describe(
    objects: Sequence[VisibleObject], width: int, height: int, rng: np.random.Generator,
    per_object: int = 4, absent_rate: float = 0.1,
) -> list[Description]:
    """
    Give up to ``per_object`` sentences for each object of a ``width`` x ``height`` view.

    Each means one object only, by clear margins. Of objects that are hard to see none speaks, but
    they count where they could be meant. A share of ``absent_rate`` of all sentences means nothing
    in view; their ``object_id`` is None.
    """
    return [description for description, _ in describe_with_meanings(
        objects, width, height, rng, per_object, absent_rate)]


def describe_with_meanings(
    objects: Sequence[VisibleObject], width: int, height: int, rng: np.random.Generator,
    per_object: int = 4, absent_rate: float = 0.1,
) -> list[tuple[Description, Meaning]]:
    """Give the sentences of ``describe`` and what each of them means."""
    scene, pick = Scene(objects, width, height), Picker(rng)
    said: dict[str, tuple[Description, Meaning]] = {}
    for index, thing in enumerate(scene.things):
        if scene.plain_to_see[index]:
            for form, meaning in _meanings(scene, index, per_object, pick):
                description = speak(meaning, form, thing.id, scene, pick)
                if description is not None:
                    said.setdefault(description.sentence, (description, meaning))
    wanted = len(said) * absent_rate / (1 - absent_rate)
    for _ in range(int(wanted) + pick.chance(wanted % 1)):
        absent = _absent(scene, pick)
        if absent is None:
            break
        form, meaning = absent
        description = speak(meaning, form, None, scene, pick)
        if description is not None:
            said.setdefault(description.sentence, (description, meaning))
    return list(said.values())


def _meanings(
    scene: Scene, index: int, count: int, pick: Picker,
) -> list[tuple[str, Meaning]]:
    """Find up to ``count`` different meanings of an object, mostly of different forms."""
    proposer = Proposer(scene, index, pick)
    weights = {form: weight for form, (weight, _) in BUILDERS.items()}
    found: dict[Meaning, str] = {}
    for _ in range(3 * count):
        if len(found) == count:
            break
        form = pick.weighted(weights)
        weights[form] *= AGAIN
        for _ in range(TRIES):
            meaning = BUILDERS[form][1](proposer)
            if meaning is None or scene.meant(meaning) != index or meaning in found:
                continue
            if not _is_needless(meaning, scene) or pick.chance(NEEDLESS):
                found[meaning] = form
                break
    return [(form, meaning) for meaning, form in found.items()]


def _is_needless(meaning: Meaning, scene: Scene) -> bool:
    """Tell whether a place, comparison or relation is said of a thing that is clear without."""
    if isinstance(meaning, GroupMeaning):
        return scene.meant(meaning.base) is not None
    if isinstance(meaning, All):
        traits = tuple(part for part in meaning.parts if isinstance(part, Trait))
        return len(traits) < len(meaning.parts) and scene.meant(All(traits)) is not None
    return False


def _absent(scene: Scene, pick: Picker) -> tuple[str, Meaning] | None:
    """Find a meaning that is nearly true of an object, and false of all."""
    weights = {form: weight for form, (weight, _) in BUILDERS.items()}
    targets = [index for index, plain in enumerate(scene.plain_to_see) if plain]
    for _ in range(ABSENT_FORMS):
        form = pick.weighted(weights)
        for _ in range(2 * TRIES):
            proposer = Proposer(scene, pick.any(targets), pick)
            meaning = BUILDERS[form][1](proposer)
            if meaning is None or scene.meant(meaning) is None:
                continue
            meaning = changed(meaning, scene, pick)
            if scene.nothing_meant(meaning) and not _contradicts_itself(meaning):
                return form, meaning
    return None


def _contradicts_itself(meaning: Meaning) -> bool:
    """Tell whether nothing could ever be meant: "the red mug that isn't red"."""
    if isinstance(meaning, Other):
        return True
    if isinstance(meaning, ByDistance):
        return meaning.anchor == meaning.base
    if not isinstance(meaning, All):
        return False
    traits = {part for part in meaning.parts if isinstance(part, Trait)}
    return any((isinstance(part, Not) and part.part in traits)
               or (isinstance(part, Related) and isinstance(part.anchor, All)
                   and traits <= set(part.anchor.parts)) for part in meaning.parts)

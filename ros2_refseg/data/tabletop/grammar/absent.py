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

"""Near misses: a meaning changed in one place, so that it is false of all that is in view."""

from dataclasses import replace
from functools import singledispatch

from ros2_refseg.data.tabletop.grammar.meanings import (
    All,
    Coloured,
    Empty,
    GroupMeaning,
    MadeOf,
    Meaning,
    Named,
    Not,
    Patterned,
    TwoColoured,
)
from ros2_refseg.data.tabletop.grammar.nouns import CONFUSED, NOUNS, OWN_NOUNS
from ros2_refseg.data.tabletop.grammar.pick import Picker
from ros2_refseg.data.tabletop.grammar.places import OPPOSITE, AtEdge, InCorner, InHalf, OnSide
from ros2_refseg.data.tabletop.grammar.rankings import ByDistance, Rank, Sized
from ros2_refseg.data.tabletop.grammar.relations import INVERSE, Between, Related
from ros2_refseg.data.tabletop.grammar.scene import Scene
from ros2_refseg.data.tabletop.household_words import (
    CLEAR,
    HOUSEHOLD_COLOURS,
    HOUSEHOLD_KINDS,
    MATERIALS,
    PATTERNS,
)


@singledispatch
def changed(meaning: Meaning, scene: Scene, pick: Picker) -> Meaning:
    """
    Change one thing that a meaning says, to something else that is in view where there is any.

    The rest stays true, so only who understands all of it knows that nothing is meant.
    """
    return meaning


@changed.register
def _(meaning: All, scene: Scene, pick: Picker) -> Meaning:
    parts = list(meaning.parts)
    place = pick.any(range(len(parts)))
    parts[place] = changed(parts[place], scene, pick)
    return All(tuple(parts))


@changed.register
def _(meaning: GroupMeaning, scene: Scene, pick: Picker) -> Meaning:
    return replace(meaning, base=changed(meaning.base, scene, pick))


@changed.register
def _(meaning: Not, scene: Scene, pick: Picker) -> Meaning:
    part = changed(meaning.part, scene, pick)
    # Not empty turns into empty.
    return part.part if isinstance(part, Not) else Not(part)


@changed.register
def _(meaning: Empty, scene: Scene, pick: Picker) -> Meaning:
    return Not(meaning)


@changed.register
def _(meaning: Named, scene: Scene, pick: Picker) -> Meaning:
    if meaning.noun == 'thing':
        return meaning
    kinds = NOUNS[meaning.noun].kinds
    here = {thing.kind for thing in scene.things} - kinds
    alike = {kind for group in CONFUSED if kinds & set(group) for kind in group} - kinds
    manner = pick.share()
    pool = here if manner < 0.45 else alike if manner < 0.8 else HOUSEHOLD_KINDS.keys() - kinds
    return Named(pick.common(OWN_NOUNS[pick.any(sorted(pool))])) if pool else meaning


@changed.register
def _(meaning: Coloured, scene: Scene, pick: Picker) -> Meaning:
    here = {thing.colour for thing in scene.things} - {meaning.colour, ''}
    if here and pick.chance(0.75):
        return Coloured(pick.any(sorted(here)))
    return Coloured(pick.any([colour for colour in HOUSEHOLD_COLOURS
                              if colour not in (meaning.colour, CLEAR)]))


@changed.register
def _(meaning: TwoColoured, scene: Scene, pick: Picker) -> Meaning:
    colour = changed(Coloured(meaning.second), scene, pick).colour
    return meaning if colour in (meaning.first, CLEAR) else replace(meaning, second=colour)


@changed.register
def _(meaning: Patterned, scene: Scene, pick: Picker) -> Meaning:
    return Patterned(pick.any([name for name in PATTERNS[1:] if name != meaning.pattern]))


@changed.register
def _(meaning: MadeOf, scene: Scene, pick: Picker) -> Meaning:
    return MadeOf(pick.any([name for name in MATERIALS[1:] if name != meaning.material]))


@changed.register
def _(meaning: InHalf, scene: Scene, pick: Picker) -> Meaning:
    return InHalf(OPPOSITE[meaning.side])


@changed.register
def _(meaning: AtEdge, scene: Scene, pick: Picker) -> Meaning:
    return AtEdge(OPPOSITE[meaning.side])


@changed.register
def _(meaning: OnSide, scene: Scene, pick: Picker) -> Meaning:
    if pick.chance(0.5):
        return replace(meaning, side=OPPOSITE[meaning.side])
    return replace(meaning, base=changed(meaning.base, scene, pick))


@changed.register
def _(meaning: InCorner, scene: Scene, pick: Picker) -> Meaning:
    if pick.chance(0.5):
        return replace(meaning, vertical=OPPOSITE[meaning.vertical],
                       horizontal=pick.any((meaning.horizontal, OPPOSITE[meaning.horizontal])))
    return replace(meaning, base=changed(meaning.base, scene, pick))


@changed.register
def _(meaning: Rank, scene: Scene, pick: Picker) -> Meaning:
    if meaning.number > 1 and pick.chance(0.6):
        return replace(meaning, number=min(meaning.number + 1, 5))
    return replace(meaning, base=changed(meaning.base, scene, pick))


@changed.register
def _(meaning: Sized, scene: Scene, pick: Picker) -> Meaning:
    if pick.chance(0.5):
        return replace(meaning, size=pick.any(('small', 'medium', 'large')))
    return replace(meaning, base=changed(meaning.base, scene, pick))


@changed.register
def _(meaning: ByDistance, scene: Scene, pick: Picker) -> Meaning:
    part = pick.any(('base', 'anchor'))
    return replace(meaning, **{part: changed(getattr(meaning, part), scene, pick)})


@changed.register
def _(meaning: Related, scene: Scene, pick: Picker) -> Meaning:
    if meaning.relation in INVERSE and pick.chance(0.5):
        return replace(meaning, relation=INVERSE[meaning.relation])
    return replace(meaning, anchor=changed(meaning.anchor, scene, pick))


@changed.register
def _(meaning: Between, scene: Scene, pick: Picker) -> Meaning:
    if meaning.second is None or pick.chance(0.5):
        return replace(meaning, first=changed(meaning.first, scene, pick))
    return replace(meaning, second=changed(meaning.second, scene, pick))

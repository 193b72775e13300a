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

"""What is said of one object by itself: its kind, colour, pattern, material; and "not", "and"."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ros2_refseg.data.tabletop.grammar.nouns import NOUNS
from ros2_refseg.data.tabletop.grammar.scene import Scene
from ros2_refseg.data.tabletop.grammar.truth import (
    BORDERLINE,
    FALSE,
    TRUE,
    Truth,
    every,
    negate,
)
from ros2_refseg.data.tabletop.household_words import CLEAR, PERHAPS_MATERIALS
from ros2_refseg.data.tabletop.view import VisibleObject

ALIKE = (frozenset({CLEAR, 'gray'}), frozenset({CLEAR, 'white'}))
"""Colours that light and what lies behind make hard to tell apart."""
BACKGROUNDS = ('white', 'black')
"""Colours that leave the name to the other one in a pattern of two."""
OPEN_KINDS = ('mug', 'bowl', 'glass', 'basket', 'pan', 'vase', 'plate')
"""Kinds of which people say that they are empty."""


class Meaning(ABC):
    """What a noun phrase, or a part of one, says of an object."""

    @abstractmethod
    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Tell for every object of a scene whether it holds, however little of it is seen."""

    def holds(self, thing: VisibleObject, scene: Scene) -> Truth:
        """Tell whether it holds of one object of a scene, for a person who looks at it."""
        return scene.truth(self)[scene.index[thing.id]]


class Trait(Meaning):
    """A meaning that looks at one object only."""

    @abstractmethod
    def of(self, thing: VisibleObject) -> Truth:
        """Tell whether an object has the trait."""

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Ask every object by itself."""
        return tuple(self.of(thing) for thing in scene.things)


@dataclass(frozen=True)
class Named(Trait):
    """What a noun of ``nouns.NOUNS`` names."""

    noun: str

    def of(self, thing: VisibleObject) -> Truth:
        """Tell whether an object is called so; borderline where only some would."""
        noun = NOUNS[self.noun]
        if not noun.kinds or thing.kind in noun.kinds:
            return TRUE
        return BORDERLINE if thing.kind in noun.perhaps else FALSE


@dataclass(frozen=True)
class Coloured(Trait):
    """Its main colour; the other colour of a pattern is a borderline case, for some name it."""

    colour: str

    def of(self, thing: VisibleObject) -> Truth:
        """Tell whether an object has the colour."""
        if thing.colour == self.colour:
            # White stripes on red leave a thing red; red and blue ones make it both or neither.
            shared = thing.pattern in ('striped', 'checkered') and (
                self.colour in BACKGROUNDS or thing.second_colour not in BACKGROUNDS)
            return BORDERLINE if shared else TRUE
        perhaps = (
            self.colour == thing.second_colour
            or {self.colour, thing.colour} in ALIKE
            # Coloured glass is clear as well, and bare metal or wood is of many colours.
            or (self.colour == CLEAR and thing.material == 'glass')
            or (self.colour in ('gray', 'white') and thing.material == 'metal')
            or (self.colour in ('brown', 'orange', 'yellow') and thing.material == 'wooden'))
        return BORDERLINE if perhaps else FALSE


@dataclass(frozen=True)
class TwoColoured(Trait):
    """Two colours, in any order: "red and white"."""

    first: str
    second: str

    def of(self, thing: VisibleObject) -> Truth:
        """Tell whether an object's pattern is of both colours."""
        there = {thing.colour, thing.second_colour}
        if there == {self.first, self.second}:
            return TRUE
        return BORDERLINE if thing.second_colour and there & {self.first, self.second} else FALSE


@dataclass(frozen=True)
class Patterned(Trait):
    """A pattern of ``household_words.PATTERNS``; '' is any but plain."""

    pattern: str

    def of(self, thing: VisibleObject) -> Truth:
        """Tell whether an object has the pattern."""
        if not self.pattern:
            return FALSE if thing.pattern == 'plain' else TRUE
        if self.pattern == 'plain' and thing.material != 'plain':
            return BORDERLINE if thing.pattern == 'plain' else FALSE
        return TRUE if thing.pattern == self.pattern else FALSE


@dataclass(frozen=True)
class MadeOf(Trait):
    """A material of ``household_words.MATERIALS``."""

    material: str

    def of(self, thing: VisibleObject) -> Truth:
        """Tell whether an object is made of it; painted ones may be, for all that one sees."""
        if thing.material == self.material:
            return TRUE
        perhaps = self.material in PERHAPS_MATERIALS.get(thing.kind, ())
        return BORDERLINE if perhaps or (
            self.material == 'metal' and thing.colour == 'gray') else FALSE


@dataclass(frozen=True)
class Empty(Meaning):
    """Nothing in it or on it."""

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Look for what each object holds."""
        return tuple(self._of(scene, index) for index in range(len(scene)))

    def _of(self, scene: Scene, index: int) -> Truth:
        holder = scene.things[index]
        held = [plain for thing, plain in zip(scene.things, scene.plain_to_see, strict=True)
                if holder.id in (thing.container, thing.support)]
        if holder.kind not in OPEN_KINDS:
            return BORDERLINE
        if not held:
            return TRUE
        return FALSE if any(held) else BORDERLINE


@dataclass(frozen=True)
class Not(Meaning):
    """What another meaning is not."""

    part: Meaning

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Negate every truth; what is hard to see stays borderline."""
        return tuple(negate(truth) for truth in scene.truth(self.part))


@dataclass(frozen=True)
class All(Meaning):
    """Several meanings at once."""

    parts: tuple[Meaning, ...]

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Join with "and"."""
        return tuple(every(truths) for truths in
                     zip(*(scene.truth(part) for part in self.parts), strict=True))


class GroupMeaning(Meaning):
    """
    A meaning that compares those of which ``base`` is true.

    Where it is not sure who belongs to them, it must come out the same without the doubtful ones
    and with them.
    """

    base: Meaning

    @abstractmethod
    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Tell whether it holds of one of a group of objects."""

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Compare the sure ones, and all that may belong to them."""
        truths = scene.truth(self.base)
        possible = [index for index, truth in enumerate(truths) if truth != FALSE]
        answers = []
        for index, truth in enumerate(truths):
            if truth == FALSE:
                answers.append(FALSE)
                continue
            sure = [i for i in possible if i == index or truths[i] == TRUE]
            answer = self.within(scene, index, sure)
            if len(sure) < len(possible) and self.within(scene, index, possible) != answer:
                answer = BORDERLINE
            answers.append(min(truth, answer))
        return tuple(answers)

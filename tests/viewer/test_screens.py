"""Every screen that can be opened, of the viewer and of the table: nothing of it is left for a subclass, and every key does something."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from textual import actions
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

import medsim
import medsim.play.screens
import medsim.viewer.screens
from medsim.play.screens.board import Board
from medsim.viewer.screens.app import Viewer
from medsim.viewer.screens.paced import Paced
from medsim.viewer.screens.walking import Walking

PACKAGES = (medsim.viewer.screens, medsim.play.screens)
MODULES = [
    importlib.import_module(name) for package in PACKAGES for _, name, _ in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]
CLASSES = sorted(
    {each for module in MODULES for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__},
    key=lambda each: each.__qualname__,
)
UNFINISHED = (Board, Paced, Walking)
"""What screens are made of; none is a screen by itself."""
FINISHED = [each for each in CLASSES if issubclass(each, DOMNode) and each not in UNFINISHED]


def bindings(of: type) -> list[Binding]:
    """The keys of a class that it or its makers declare here, and not the framework."""
    return list(Binding.make_bindings(each for maker in of.mro() if maker in CLASSES for each in vars(maker).get("BINDINGS", ())))


def left(of: type) -> set[str]:
    """The methods that are still to be written in a subclass."""
    methods = {name: inspect.getattr_static(of, name) for name in dir(of)}
    return {name for name, method in methods.items() if inspect.isfunction(method) and "NotImplementedError" in method.__code__.co_names}


def test_what_is_left_open_is_known() -> None:
    assert {each: left(each) for each in CLASSES if left(each)} == {
        Board: {"sent", "action_leave"},
        Paced: {"draw", "forward"},
        Walking: {"draw", "action_search"},
    }


def test_what_is_left_open_is_never_opened() -> None:
    made = {
        (node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        for path in Path(str(medsim.__file__)).parent.rglob("*.py")
        if "screens" in path.parts or path.parent.name in {"play", "viewer"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }
    screens = {each.__name__ for each in FINISHED if issubclass(each, Screen)}
    assert screens <= made, "every screen is opened somewhere"
    assert made.isdisjoint(each.__name__ for each in UNFINISHED)


@pytest.mark.parametrize("of", [each for each in FINISHED if bindings(each)], ids=lambda of: str(of.__name__))
def test_every_key_of_a_screen_or_a_part_of_one_does_something(of: type[Any]) -> None:
    for binding in bindings(of):
        where, name, given = actions.parse(binding.action)
        assert where in {"", "app"}, binding
        owner = Viewer if where else of
        method = getattr(owner, f"action_{name}", None)
        assert method is not None, f"{binding.key}: {owner.__name__} has no action '{name}'"
        assert method.__name__ not in left(owner), f"{binding.key}: the action '{name}' of {owner.__name__} is still to be written"
        inspect.signature(method).bind(None, *given)

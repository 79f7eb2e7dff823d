"""One small registry: things found by folder (channels, actions, job types, providers, pages).

A package's modules register themselves when imported; `load()` imports them all once. Adding a
thing is adding a file.
"""

import importlib
import pkgutil
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from leadkeeper.errors import NotFound

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind. `package` is the dotted name of the folder they live in."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._items: dict[str, T] = {}
        self._loaded = False
        self._loading = threading.RLock()  # one thread may come back while it imports; others wait for the whole

    def add(self, name: str, item: T) -> T:
        """Register `item`; two things of one name are a programming error."""
        if name in self._items:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._items[name] = item
        return item

    def load(self) -> None:
        """Import every module of the package, once. Returns when all of them are there, whoever imports them."""
        if self._loaded:
            return
        with self._loading:
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.package}.{module.name}")
            self._loaded = True

    def all(self) -> Mapping[str, T]:
        """Every registered thing by name, in order of registration."""
        self.load()
        return MappingProxyType(self._items)

    def peek(self, name: str) -> T | None:
        """The thing of that name among those imported so far: imports nothing, never raises."""
        return self._items.get(name)

    def get(self, name: str) -> T:
        """The thing of that name; raises NotFound, naming the known ones."""
        self.load()
        try:
            return self._items[name]
        except KeyError:
            known = ", ".join(sorted(self._items)) or "none"
            raise NotFound(f"unknown {self.kind} {name!r} (known: {known})") from None

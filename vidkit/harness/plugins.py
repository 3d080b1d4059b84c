"""Finding detectors: entry points of the group `vidkit.detectors`, and `module:factory` of anything importable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from vidkit.errors import DetectorError, MissingLibraryError, did_you_mean
from vidkit.harness.detector import Detector, DetectorContext, OracleDetector
from vidkit.harness.detector_options import call, options_of, parse_options
from vidkit.harness.from_function import of_function, takes_an_image

GROUP = "vidkit.detectors"
Factory = Callable[..., Any]


@dataclass(frozen=True)
class Plugin:
    """A detector that is installed, or that a `module:factory` names; nothing is imported yet."""

    name: str
    target: str  # "module:factory"
    distribution: str  # "vidkit-vod 0.1.0"; "" for one that isn't installed

    def __str__(self) -> str:
        return f"{self.name!r} ({self.target}{' of ' + self.distribution if self.distribution else ''})"


def installed() -> list[Plugin]:
    """Return the detectors that are installed, by name; two distributions may offer the same name."""
    found = []
    for entry in entry_points(group=GROUP):
        distribution = (
            f"{entry.dist.metadata['Name']} {entry.dist.version}" if entry.dist else "an unknown distribution"
        )
        found.append(Plugin(entry.name, entry.value, distribution))
    return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))


def find(name: str) -> Plugin:
    """Return the installed detector called `name`, or the one that "module:factory" names.

    Raises DetectorError if there is none, or if two distributions offer the name.
    """
    if ":" in name:
        return Plugin(name, name, "")
    plugins = installed()
    fits = [plugin for plugin in plugins if plugin.name == name]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise DetectorError(conflict(name, fits))
    known = [plugin.name for plugin in plugins]
    raise DetectorError(
        f"no detector {name!r}{did_you_mean(name, known)}; installed are: {', '.join(known) or 'none'}; "
        "another is named as module:factory"
    )


def conflict(name: str, plugins: Sequence[Plugin]) -> str:
    """Return the message about a name that several distributions offer."""
    offers = " and ".join(f"{plugin.distribution} ({plugin.target})" for plugin in plugins)
    return f"the detector name {name!r} is offered by {offers}; uninstall one, or name the other as module:factory"


def load(plugin: Plugin) -> Factory:
    """Import and return a factory; a function on one image, whose first parameter is `image`, becomes one.

    Raises MissingLibraryError if what it needs isn't installed, DetectorError with the reason if it can't be imported
    for another cause, or isn't a factory.
    """
    module, _, attributes = plugin.target.partition(":")
    try:
        factory = reduce(getattr, attributes.strip().split("."), import_module(module.strip()))
    except MissingLibraryError as error:
        raise MissingLibraryError(f"detector {plugin}: {error}") from None
    except ModuleNotFoundError as error:
        said = f"detector {plugin} can't be imported: {type(error).__name__}: {error}"
        if error.name == "torch":
            raise MissingLibraryError(f'{said}; pip install torch, or vidkit with its extra: ".[model]"') from error
        raise DetectorError(said) from error
    except (Exception, SystemExit) as error:  # whatever the module of a stranger does at import
        raise DetectorError(f"detector {plugin} can't be imported: {type(error).__name__}: {error}") from error
    if not callable(factory):
        raise DetectorError(f"detector {plugin}: a {type(factory).__name__} was found where a factory was wanted")
    try:
        options_of(factory)
    except DetectorError as error:
        raise DetectorError(f"detector {plugin}: {error}") from None
    return of_function(factory) if takes_an_image(factory) else factory


def request(name: str, options: Sequence[str]) -> tuple[Plugin, Factory, dict[str, Any]]:
    """The detector called `name`, its factory, and the values of its options, some given as in "length=5".

    Nothing is made yet, so no index is needed. Raises DetectorError if there is no such detector or an option doesn't
    fit.
    """
    plugin = find(name)
    factory = load(plugin)
    try:
        return plugin, factory, parse_options(options, options_of(factory))
    except DetectorError as error:
        raise DetectorError(f"detector {plugin.name!r}: {error}") from None


def make(
    name: str, context: DetectorContext, options: Sequence[str]
) -> tuple[Detector | OracleDetector, dict[str, Any]]:
    """The detector called `name`, made with options such as "length=5", and the values of all its options.

    Raises DetectorError as `request` does, and if its factory fails or returns what isn't a detector.
    """
    plugin, factory, values = request(name, options)
    try:
        detector = call(factory, context, values)
    except DetectorError:
        raise
    except Exception as error:
        raise DetectorError(f"detector {plugin}: its factory failed: {type(error).__name__}: {error}") from error
    return check_detector(detector, plugin), values


def check_detector(detector: Any, plugin: Plugin) -> Detector | OracleDetector:
    """Return `detector` if it has the protocol's members; else raise DetectorError that names those missing."""
    missing = [] if isinstance(getattr(detector, "name", None), str) and detector.name else ["name, a string"]
    if not any(callable(getattr(detector, method, None)) for method in ("detect", "detect_known")):
        missing.append("detect(frames)")
    if not callable(getattr(detector, "synchronize", None)):
        missing.append("synchronize()")
    if missing:
        raise DetectorError(
            f"detector {plugin}: its factory returned a {type(detector).__name__} without {' and '.join(missing)}"
        )
    return detector  # type: ignore[no-any-return]  # its members were just looked at

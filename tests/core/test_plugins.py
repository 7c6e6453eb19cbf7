"""Plugins: found by metadata alone, loaded one by one, and each spoils nothing but itself.

Every plugin here is a real module of a real distribution, installed into a folder of the test's own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.core.distributions import PLUGIN, Packages, described
from unison_storage.contracts.backend import API_VERSION
from unison_storage.errors import AmbiguousPlugin, ConfigurationError, PluginLoadError, UnknownScheme
from unison_storage.guards import RULES
from unison_storage.plugins import KNOWN, Found, Plugins, installed

SETTING = "UNISON_STORAGE_MEMORY_URL"


def refused(plugins: Plugins, scheme: str, error: type[ConfigurationError]) -> str:
    with pytest.raises(error) as caught:
        plugins.serving(scheme, SETTING)
    assert type(caught.value) is error
    assert str(caught.value).startswith(SETTING)
    return str(caught.value)


# -------------------------------------------------------------------------------------------------------- discovery


def test_what_is_installed_is_told_without_importing_it(packages: Packages) -> None:
    packages.module("explosive", "raise SystemExit(3)")
    packages.install("storage-explosive", {"boom": "explosive", "bang": "explosive"}, version="7.1")
    mine = [one for one in installed() if one.distribution == "storage-explosive"]
    assert mine == [
        Found("bang", "explosive", "storage-explosive", "7.1"),
        Found("boom", "explosive", "storage-explosive", "7.1"),
    ]
    assert [one.scheme for one in installed()] == sorted(one.scheme for one in installed())
    assert "explosive" not in sys.modules


def test_entry_points_of_other_groups_are_no_backends(packages: Packages) -> None:
    packages.install("storage-words", {"serve": "somewhere"}, group="unison_storage.commands")
    assert "serve" not in {one.scheme for one in installed()}


def test_the_reference_is_installed_with_core() -> None:
    plugin = Plugins().serving("reference", SETTING)
    assert plugin.found.distribution == "unison-storage"
    assert plugin.spec.kinds == ("memory", "object", "object_index", "graph", "cache")
    assert plugin.spec.production_ready is False


def test_a_plugin_is_imported_when_its_scheme_is_asked_for_and_only_then(packages: Packages) -> None:
    one = packages.plugin("one", described("spec('one')"))
    two = packages.plugin("two", described("spec('two')"))
    plugins = Plugins()
    plugins.serving("one", SETTING)
    assert one in sys.modules
    assert two not in sys.modules
    assert plugins.serving("one", SETTING) is plugins.serving("one", SETTING)


@pytest.mark.parametrize(("scheme", "served"), [("mine+s3", "mine+s3"), ("mine+gcs", "mine"), ("mine", "mine")])
def test_a_scheme_of_two_parts_is_looked_up_whole_before_its_first_part(
    packages: Packages, scheme: str, served: str
) -> None:
    packages.plugin("mine", described("spec('mine')"))
    packages.plugin("mine+s3", described("spec('mine+s3')"))
    assert Plugins().serving(scheme, SETTING).found.scheme == served


# ----------------------------------------------------------------------------------------------------- two schemes


TWO_SPECS = """
@hookimpl
def backend_specs():
    return (
        spec("files", kinds=("object",), production_ready=True),
        spec("buckets", kinds=("memory",), production_ready=False, durability=Durability.EPHEMERAL),
    )
"""


def two_schemes(packages: Packages) -> Plugins:
    packages.module("two_schemes", PLUGIN + TWO_SPECS)
    packages.install("storage-two", {"files": "two_schemes", "buckets": "two_schemes", "nowhere": "two_schemes"})
    return Plugins()


@pytest.mark.parametrize("order", [("files", "buckets"), ("buckets", "files")])
def test_each_scheme_of_one_plugin_has_the_description_of_its_own(packages: Packages, order: tuple[str, str]) -> None:
    plugins = two_schemes(packages)
    found = {scheme: plugins.serving(scheme, SETTING) for scheme in order}
    assert {scheme: plugin.spec.kinds for scheme, plugin in found.items()} == {
        "files": ("object",),
        "buckets": ("memory",),
    }
    assert found["files"].spec.production_ready
    assert not found["buckets"].spec.production_ready
    assert {scheme: plugin.found.scheme for scheme, plugin in found.items()} == {"files": "files", "buckets": "buckets"}


def test_a_scheme_that_its_plugin_does_not_describe_is_refused_before_and_after_another_is_loaded(
    packages: Packages,
) -> None:
    first = refused(two_schemes(packages), "nowhere", PluginLoadError)
    plugins = Plugins()
    plugins.serving("files", SETTING)
    assert refused(plugins, "nowhere", PluginLoadError) == first
    assert "does not describe the scheme nowhere" in first


# ---------------------------------------------------------------------------------------------------------- refusal


def test_two_distributions_on_one_scheme_are_an_error_that_names_both(packages: Packages) -> None:
    packages.plugin("twice", described("spec('twice')"), name="storage-a")
    packages.plugin("twice", described("spec('twice')"), name="storage-b")
    packages.plugin("fine", described("spec('fine')"))
    message = refused(Plugins(), "twice", AmbiguousPlugin)
    assert "storage-a and storage-b both claim the scheme twice" in message
    assert Plugins().serving("fine", SETTING).spec.name == "fine"
    for allowed in ("storage-a", "storage-b"):
        assert Plugins([allowed]).serving("twice", SETTING).found.distribution == allowed


BROKEN = {
    "no such module": None,
    "import error": "import no_such_driver_at_all",
    "syntax error": "def (",
    "error at import": "raise RuntimeError('boom at import')",
    "assertion at import": "assert False, 'boom at import'",
    "api of the future": PLUGIN + described(f"spec('broken', api_version={API_VERSION + 1})"),
    "api of the past": PLUGIN + described("spec('broken', api_version=0)"),
    "misspelt hook": PLUGIN + described("spec('broken')") + "\n@hookimpl\ndef memory_backnd(target, context): ...\n",
    "wrong argument": PLUGIN + described("spec('broken')") + "\n@hookimpl\ndef blob_backend(target, contxt): ...\n",
    "another scheme": PLUGIN + described("spec('else')"),
    "no description": PLUGIN,
    "empty description": PLUGIN + "\n@hookimpl\ndef backend_specs():\n    return ()\n",
    "description is None": PLUGIN + "\n@hookimpl\ndef backend_specs():\n    return None\n",
    "description is a number": PLUGIN + "\n@hookimpl\ndef backend_specs():\n    return 5\n",
    "description of the wrong type": PLUGIN + "\n@hookimpl\ndef backend_specs():\n    return ('broken',)\n",
    "description raises": PLUGIN + "\n@hookimpl\ndef backend_specs():\n    raise RuntimeError('boom in hook')\n",
    "description imports": PLUGIN + "\n@hookimpl\ndef backend_specs():\n    import no_such_driver_at_all\n",
}
TOLD = {
    "no such module": "broken_plugin",
    "import error": "no_such_driver_at_all",
    "error at import": "RuntimeError: boom at import",
    "api of the future": f"API version {API_VERSION + 1}, this is {API_VERSION}",
    "misspelt hook": "memory_backnd",
    "wrong argument": "contxt",
    "another scheme": "does not describe the scheme broken",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_spoils_its_own_scheme_alone(packages: Packages, how: str) -> None:
    source = BROKEN[how]
    if source is not None:
        packages.module("broken_plugin", source)
    packages.install("storage-broken", {"broken": "broken_plugin"})
    packages.plugin("fine", described("spec('fine')"))
    plugins = Plugins()
    message = refused(plugins, "broken", PluginLoadError)
    assert "storage-broken" in message
    assert TOLD.get(how, "") in message
    assert plugins.serving("fine", SETTING).spec.name == "fine"
    assert plugins.serving("reference", SETTING).spec.name == "reference"


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_answers_the_same_each_time_it_is_asked(packages: Packages, how: str) -> None:
    source = BROKEN[how]
    if source is not None:
        packages.module("broken_plugin", source)
    packages.install("storage-broken", {"broken": "broken_plugin"})
    plugins = Plugins()
    assert refused(plugins, "broken", PluginLoadError) == refused(plugins, "broken", PluginLoadError)


RULE = """
from unison_storage.guards import GuardRule

@hookimpl
def guard_rules():
    return (GuardRule("own", "{scheme} is watched", "none", lambda served: False, {}),)
"""


def test_rules_of_a_plugin_count_from_the_time_it_is_loaded(packages: Packages) -> None:
    packages.plugin("watched", RULE + described("spec('watched')"))
    plugins = Plugins()
    assert plugins.rules() == RULES
    plugins.serving("watched", SETTING)
    assert [rule.id for rule in plugins.rules()] == [*(rule.id for rule in RULES), "own"]


@pytest.mark.parametrize("spec", ["spec('watched', api_version=99)", "spec('else')"])
def test_rules_of_a_plugin_that_was_refused_do_not_count(packages: Packages, spec: str) -> None:
    packages.plugin("watched", RULE + described(spec))
    plugins = Plugins()
    refused(plugins, "watched", PluginLoadError)
    assert plugins.rules() == RULES


@pytest.mark.parametrize("value", ["attribute_plugin:thing", "attribute_plugin:Plugin"])
def test_an_entry_point_names_a_module_and_nothing_inside_of_it(packages: Packages, value: str) -> None:
    packages.module("attribute_plugin", "thing = 5\nclass Plugin: ...\n")
    packages.install("storage-attribute", {"attribute": value})
    assert "must name a module" in refused(Plugins(), "attribute", PluginLoadError)


def test_a_hook_reaches_the_plugin_that_owns_the_scheme_alone(packages: Packages) -> None:
    marked = "\n@hookimpl\ndef conformance_harness(target):\n    return '{}'\n"
    packages.plugin("one", described("spec('one')") + marked.format("one"))
    packages.plugin("two", described("spec('two')") + marked.format("two"))
    packages.plugin("none", described("spec('none')"))
    plugins = Plugins()
    owners = {scheme: plugins.serving(scheme, SETTING) for scheme in ("one", "two", "none")}
    answers = {scheme: plugins.subset(owner, "conformance_harness")(target=None) for scheme, owner in owners.items()}
    assert answers == {"one": "one", "two": "two", "none": None}


# --------------------------------------------------------------------------------------------------- unknown scheme


@pytest.mark.parametrize(("scheme", "wanted"), sorted(KNOWN.items()))
def test_a_scheme_of_ours_that_is_not_installed_tells_what_to_install(scheme: str, wanted: str) -> None:
    for name in (scheme, f"{scheme}+tls"):
        message = refused(Plugins(found=[]), name, UnknownScheme)
        assert f"pip install {wanted}" in message
        assert "none is installed" in message


@pytest.mark.parametrize(
    ("scheme", "near"),
    [("sqlit", "sqlite"), ("postgres", "postgresql"), ("refernce", "reference"), ("rediss3", "rediss")],
)
def test_an_unknown_scheme_tells_near_ones_and_those_that_there_are(scheme: str, near: str) -> None:
    message = refused(Plugins(), scheme, UnknownScheme)
    assert f"no plugin serves the scheme {scheme}; near names: " in message
    assert near in message.partition("near names:")[2]
    assert "reference" in message.partition("installed: ")[2]


def test_a_scheme_that_resembles_nothing_tells_no_near_names() -> None:
    message = refused(Plugins(), "zzzzqqqq", UnknownScheme)
    assert "near" not in message
    assert "install it" not in message


# -------------------------------------------------------------------------------------------------------- allow-list


def test_only_allowed_distributions_are_used(packages: Packages) -> None:
    module = packages.plugin("mine", described("spec('mine')"))
    plugins = Plugins(["unison-storage"])
    assert plugins.serving("reference", SETTING).spec.name == "reference"
    message = refused(plugins, "mine", UnknownScheme)
    assert "UNISON_STORAGE_PLUGINS does not allow storage-mine" in message
    assert module not in sys.modules
    assert Plugins(["storage-mine"]).serving("mine", SETTING).spec.name == "mine"
    refused(Plugins(["storage-mine"]), "reference", UnknownScheme)
    refused(Plugins([]), "reference", UnknownScheme)


SPELLINGS: list[Callable[[str], str]] = [str.upper, lambda name: name.replace("-", "_"), lambda name: name]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=["upper case", "underscores", "as it is"])
def test_names_of_distributions_are_compared_as_package_indexes_compare_them(
    packages: Packages, spelling: Callable[[str], str]
) -> None:
    packages.plugin("mine", described("spec('mine')"))
    assert Plugins([spelling("storage-mine")]).serving("mine", SETTING).spec.name == "mine"

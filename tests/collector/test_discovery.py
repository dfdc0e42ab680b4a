"""Finding adapters by their stable names, with real links in a real folder."""

from pathlib import Path

from collector.discovery import adapters_in, arrived_and_left


def test_every_link_in_the_folder_is_an_adapter_in_a_stable_order(tmp_path: Path) -> None:
    for name in ("usb-ELM-b", "usb-ELM-a"):
        (tmp_path / name).symlink_to("/dev/null")

    assert adapters_in(tmp_path) == (f"serial:{tmp_path}/usb-ELM-a", f"serial:{tmp_path}/usb-ELM-b")


def test_a_folder_that_is_not_there_holds_no_adapters(tmp_path: Path) -> None:
    assert adapters_in(tmp_path / "by-id") == ()
    assert adapters_in(None) == ()


def test_what_came_and_what_went_is_the_difference_of_two_looks() -> None:
    assert arrived_and_left(["a", "b"], ["b", "c"]) == (frozenset("c"), frozenset("a"))

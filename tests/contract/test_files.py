"""The port `Files`: one suite for the folder and for memory; and the drive that names what lies there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bizproc import crm, process
from bizproc.adapters.file_folder import FolderFiles, MemoryFiles
from bizproc.core.errors import AlreadyExists, FileDamaged, FileMissing, ItemNotFound, WrongValue
from bizproc.model import File
from bizproc.ports.files import FILES, Files
from bizproc.runtime import Runtime
from bizproc.testing import World, crash_at_every_await


@pytest.fixture(params=["folder", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return FolderFiles(tmp_path / "files") if request.param == "folder" else MemoryFiles()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("content", [b"", b"tea", bytes(range(256)) * 10_000])
async def test_what_is_put_comes_back_under_its_hash(files: Files, content: bytes) -> None:
    assert await files.put(content) == (sha(content), len(content))
    assert await files.get(sha(content)) == content


async def test_the_same_content_twice_is_one(files: Files) -> None:
    assert await files.put(b"tea") == await files.put(b"tea")


async def test_a_file_of_the_machine_is_copied(files: Files, tmp_path: Path) -> None:
    source = tmp_path / "tea.txt"
    source.write_bytes(b"tea" * 1_000_000)
    sha256, size = await files.put(source)
    source.unlink()
    assert size == 3_000_000
    assert await files.get(sha256) == b"tea" * 1_000_000


async def test_a_content_that_is_not_there_is_missing(files: Files) -> None:
    with pytest.raises(FileMissing):
        await files.get(sha(b"tea"))


async def test_a_content_that_was_changed_is_damaged(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    sha256, _ = await files.put(b"tea")
    files.path(sha256).write_bytes(b"Tea")
    with pytest.raises(FileDamaged, match="Restore"):
        await files.get(sha256)


async def test_orphans_of_more_than_a_day_are_swept_and_nothing_else(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    named, orphan, fresh = [(await files.put(content))[0] for content in (b"named", b"orphan", b"fresh")]
    part = tmp_path / "half.part"
    part.write_bytes(b"ha")
    for path in (files.path(named), files.path(orphan), part):
        os.utime(path, (0, 0))
    assert await files.sweep(frozenset({named})) == 2
    assert await files.get(named) == b"named"
    assert await files.get(fresh) == b"fresh"
    assert not part.exists()
    with pytest.raises(FileMissing):
        await files.get(orphan)


async def test_an_orphan_that_is_put_again_is_none(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    sha256, _ = await files.put(b"tea")
    os.utime(files.path(sha256), (0, 0))
    await files.put(b"tea")
    assert await files.sweep(frozenset()) == 0


async def test_what_was_worked_on_is_removed_and_contents_stay(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    sha256, _ = await files.put(b"tea")
    (files.workplace() / "bizproc-1").mkdir()
    (tmp_path / "work" / "bizproc-1" / "job.json").write_text("{}")
    await files.clear()
    assert not (tmp_path / "work").exists()
    assert await files.get(sha256) == b"tea"
    assert files.workplace().is_dir()


async def test_what_a_killed_program_left_of_its_documents_is_removed_at_the_next_start(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'crm.db'}"
    async with Runtime.open(store) as runtime:
        files: Files = runtime.outside.tools[FILES]
        place = files.workplace()
        assert place is not None
        (place / "bizproc-1").mkdir()
        async with Runtime.attach(store):  # a guest leaves alone what the owner works on
            assert (place / "bizproc-1").is_dir()
    async with Runtime.open(store):
        assert not place.exists()


# -- the drive ---------------------------------------------------------------------------------------------------------


async def test_a_file_lies_at_its_path(world: World) -> None:
    file = await world.perform(crm.drive.add("Offers/tea.pdf", b"%PDF"))
    assert (file.path, file.name, file.media_type, file.size) == ("Offers/tea.pdf", "tea.pdf", "application/pdf", 4)
    assert await world.perform(crm.drive.find("Offers/tea.pdf")) == file
    assert await world.perform(crm.drive.file(file.id)) == file
    assert await world.runtime.content(file) == b"%PDF"
    assert await world.perform(crm.drive.find("Offers/coffee.pdf")) is None


async def test_a_path_is_taken_once_unless_it_is_to_be_replaced(world: World) -> None:
    first = await world.perform(crm.drive.add("tea.txt", b"1"))
    with pytest.raises(AlreadyExists):
        await world.perform(crm.drive.add("tea.txt", b"2"))
    second = await world.perform(crm.drive.add("tea.txt", b"2", replace=True))
    assert (second.id, await world.runtime.content(second)) == (first.id, b"2")


@pytest.mark.parametrize("path", ["", "/tea", "tea/", "a//b", "../tea", "a/./b", "a\0b", "a\nb", "x" * 401])
async def test_a_path_that_is_none_is_refused(world: World, path: str) -> None:
    with pytest.raises(WrongValue, match="folders and a name"):
        await world.perform(crm.drive.add(path, b""))


async def test_a_deleted_file_is_gone_and_cut_from_what_showed_it(world: World) -> None:
    photo = await world.perform(crm.drive.add("ann.jpg", b"jpg"))
    contact = await world.contact(photo_id=photo.id)
    await world.perform(crm.drive.delete(photo))
    with pytest.raises(ItemNotFound):
        await world.get(File, photo.id)
    assert (await world.perform(crm.contact(contact).read())).photo_id is None


@process("drive.keep")
async def keep(*, text: str) -> str:
    file = await crm.drive.add(f"notes/{text}.txt", text.encode())
    return file.sha256


async def test_a_process_keeps_a_file_once_whenever_it_dies() -> None:
    async def story(world: World) -> object:
        run = await world.start(keep(text="tea"))
        return await run.result(), [file.path for file in await world.find(File)]

    await crash_at_every_await(story)


async def test_contents_lie_beside_the_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    async with Runtime.open(url) as runtime:
        file = await runtime.perform(crm.drive.add("tea.txt", b"tea"))
    assert (tmp_path / "crm.db-files" / file.sha256[:2] / file.sha256).read_bytes() == b"tea"
    async with Runtime.attach(url) as guest:
        assert await guest.content(await guest.get(File, file.id)) == b"tea"

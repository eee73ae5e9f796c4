"""One process under care: brought back with patience, read line by line."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from crm.runner import leash as leash_script
from crm.runner.child import Child, end_orphans, remember


@pytest.fixture
def make_child(tmp_path):
    children = []

    def make(code: str, **environment) -> Child:
        child = Child(
            "test",
            [sys.executable, "-c", code],
            logs=tmp_path,
            environment=environment,
        )
        children.append(child)
        return child

    yield make
    for child in children:
        child.end(seconds=0)


def test_its_lines_are_shown_with_its_name_and_kept(make_child, tmp_path, capsys):
    child = make_child("import os; print('你好', os.environ['WORD'])", WORD="there")
    child.start()
    assert child.wait(20) == 0
    assert capsys.readouterr().out == "  test | 你好 there\n"
    assert (tmp_path / "test.log").read_text() == "你好 there\n"


def test_one_that_dies_young_waits_longer_each_time(make_child, capsys):
    child = make_child("raise SystemExit(3)")
    begun = time.monotonic()
    while time.monotonic() - begun < 4:
        child.keep_alive()
        time.sleep(0.01)
    told = [line for line in capsys.readouterr().out.splitlines() if "starting" in line]
    assert told[:2] == [
        "test ended (exit code 3); starting it again in 0.5 s.",
        "test ended (exit code 3); starting it again in 1 s.",
    ]
    assert len(told) <= 4


@pytest.mark.kill
def test_its_own_children_do_not_survive_it(make_child):
    child = make_child(
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])\n"
        "time.sleep(99)"
    )
    child.start()
    process = psutil.Process(child.pid)
    deadline = time.monotonic() + 20
    while not process.children() and time.monotonic() < deadline:
        time.sleep(0.02)
    family = [process, *process.children()]
    assert len(family) == 2

    process.kill()
    process.wait(10)
    child.keep_alive()

    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_one_whose_parent_died_before_it_was_tied_never_runs(tmp_path):
    """Whoever adopted it is not taken for the parent."""
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    ran = tmp_path / "ran"
    program = [sys.executable, "-c", f"open({str(ran)!r}, 'w')"]
    leash = [sys.executable, "-I", "-S", leash_script.__file__]

    assert subprocess.run([*leash, str(dead.pid), *program]).returncode == 1
    assert not ran.exists()
    assert subprocess.run([*leash, str(os.getpid()), *program]).returncode == 0
    assert ran.exists()


def test_orphans_are_ended_but_strangers_with_their_number_are_not(
    make_child, tmp_path
):
    orphan, stranger = (make_child("import time; time.sleep(99)") for _ in range(2))
    orphan.start()
    stranger.start()
    file = tmp_path / "children.txt"
    remember([orphan, stranger], file)
    lines = file.read_text().splitlines()
    name, pid, created = lines[1].split()
    file.write_text(f"{lines[0]}\n{name} {pid} {float(created) - 60}\n")

    end_orphans(file)

    assert orphan.wait(10) is not None
    assert stranger.wait(0) is None
    assert not file.exists()

"""Programs of Debian unstable, unpacked below build/tools by the scripts tools/*-sid.sh when they are first asked for."""
import os
import shutil
import subprocess

from harness_stage import ROOT, HarnessError, read, write

PATIENCE = 300


def from_sid(script, *args):
    """The command that tools/SCRIPT-sid.sh prints, as a list. HarnessError, with the reason, where there is none."""
    folder = os.path.join(ROOT, "build/tools", "-".join((*args, script, "sid")))
    command = os.path.join(folder, "command")
    if not os.path.exists(command):
        mine = f"{folder}.{os.getpid()}"
        try:
            got = subprocess.run([os.path.join(ROOT, f"tools/{script}-sid.sh"), mine, *args], capture_output=True, text=True, timeout=PATIENCE,
                                 stdin=subprocess.DEVNULL, check=False)
        except subprocess.TimeoutExpired as e:
            raise HarnessError(f"Debian unstable's did not arrive in {PATIENCE} s") from e
        if got.returncode:
            shutil.rmtree(mine, ignore_errors=True)
            raise HarnessError("Debian unstable's is not to be had: " + got.stderr.strip()[-300:])
        write(os.path.join(mine, "command"), got.stdout.replace(mine, folder))
        try:
            os.rename(mine, folder)
        except OSError:  # another one was quicker
            shutil.rmtree(mine, ignore_errors=True)
    return read(command).split()

"""power_cut.py ext4|xfs|btrfs [--without CALLS]: the power is cut at instants of a deployment. The host's disk is an image
that is copied by reference (FICLONE, on an xfs of its own) at every call that changes a file, and by chance in between,
with the dirty pages written back by chance; what a copy holds is what a power cut at that instant would have left. Each
copy is mounted and looked at: `current` names a complete release whose every file has its right content, the database
opens, and it converges. --without: these calls are not made, to see that the rig finds what is lost."""

import argparse
import fcntl
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

from world import LONG, World, Wrong, report, sh

FICLONE = 0x40049409
MAKE = {"ext4": ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"], "xfs": ["mkfs.xfs", "-q"],
        "btrfs": ["mkfs.btrfs", "-q"]}
OPTIONS = {"ext4": "loop", "xfs": "loop,nouuid", "btrfs": "loop"}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


class Disk:
    """An image on a file system that can copy it by reference, and where it is mounted."""

    def __init__(self, kind):
        self.kind = kind
        self.at = pathlib.Path.cwd() / "disk"
        self.image = pathlib.Path.cwd() / "outer/disk.img"
        self.cuts = pathlib.Path.cwd() / "outer/cuts"
        try:
            os.mkdir("outer")
            os.mkdir("disk")
            sh("truncate", "-s", "3G", "outer.img")
            sh("mkfs.xfs", "-q", "-m", "reflink=1", "outer.img")
            sh("mount", "-o", "loop", "outer.img", "outer")
            sh("truncate", "-s", "320M", str(self.image))
            sh(*MAKE[kind], str(self.image))
            os.mkdir(self.cuts)
            self.mount(self.image)
        except (OSError, subprocess.CalledProcessError) as error:
            skip(f"no {kind} on a loop mount here: {error}")

    def mount(self, image):
        sh("mount", "-t", self.kind, "-o", OPTIONS[self.kind], str(image), str(self.at))

    def unmount(self):
        sh("umount", str(self.at))


class ByChance(threading.Thread):
    """Cuts at random instants, and writes back dirty pages at others, while the deployment runs."""

    def __init__(self, disk, chance):
        super().__init__()
        self.disk = disk
        self.chance = chance
        self.ended = threading.Event()

    def run(self):
        number = 0
        with open(self.disk.image, "rb") as image:
            while not self.ended.wait(self.chance.uniform(0.001, 0.02)):
                if self.chance.random() < 0.3:
                    sh("sync", "-f", str(self.disk.at / "srv"))
                    continue
                number += 1
                with open(self.disk.cuts / f"chance{number}", "wb") as cut:
                    fcntl.ioctl(cut, FICLONE, image.fileno())


def look_at(world, disk, cut):
    """What the host finds after the power cut; the wrong it sees, or None."""
    disk.mount(cut)
    run = None
    try:
        world.check_content()
        run = world.converge()
        if run.code != 0:
            raise Wrong(f"the start after it ended with {run.code}")
        if list((world.disk / "state").glob("*broken*")):
            raise Wrong("the database did not open")
        if world.check_content() != 2:
            raise Wrong("not converged")
        world.check_settled(2, 2)
        return None
    except Wrong as wrong:
        return wrong, run
    finally:
        disk.unmount()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=list(MAKE))
    parser.add_argument("--without")
    given = parser.parse_args()
    if os.geteuid() != 0:
        skip("only root mounts")
    seed = int(os.environ.get("TIDEGATE_SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}")
    chance = random.Random(seed)
    disk = Disk(given.kind)
    world = World(disk="disk", payload=30)
    world.declare(world.commit(1, 1))
    if world.converge().code != 0:
        raise Wrong("the first release does not come up")
    disk.unmount()
    disk.mount(disk.image)
    world.declare(world.commit(2, 2))
    by_chance = ByChance(disk, chance)
    if not given.without:
        by_chance.start()
    fault = "all:1:cut+" + (f";{given.without}:1:skip+" if given.without else "")
    run = world.converge(fault, TIDEGATE_CUT=f"{disk.image} {disk.cuts}")
    by_chance.ended.set()
    if not given.without:
        by_chance.join()
    if run.code != 0:
        report("the deployment itself", f"ended with {run.code}", run)
        return 1
    disk.unmount()
    began = time.time()
    cuts = list(disk.cuts.iterdir())
    if given.without:
        cuts = sorted(cuts, key=lambda cut: -int(cut.name))[:60]  # the last ones, after the switch
    else:
        most = int(os.environ.get("TIDEGATE_CUTS", len(cuts))) if LONG else 8
        cuts = chance.sample(cuts, min(len(cuts), most))
    wrongs = 0
    for cut in cuts:
        wrong = look_at(world, disk, cut)
        wrongs += wrong is not None
        if wrong and not given.without:
            report(f"{given.kind}, cut {cut.name}; again with: TIDEGATE_SEED={seed}", *wrong)
        cut.unlink()
        if wrong and given.without:
            break
    print(f"{given.kind}: {len(cuts)} power cuts, {time.time() - began:.0f} s, {wrongs} wrong")
    return 1 if bool(wrongs) != bool(given.without) else 0


if __name__ == "__main__":
    sys.exit(main())
